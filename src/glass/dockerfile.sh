# What is done to Dockerfiles, in build.sh and in the `docker` of CodeBuild's builds: functions for any POSIX shell with awk.

# dockerfile_lines: awk code that calls line(WORD, TEXT, NUMBER) for each instruction, with lines that go on put together.
dockerfile_lines='
	/^[ \t]*#/ { next }
	{
		if (text == "") first = FNR
		more = sub(/\\[ \t]*$/, " ")
		text = text $0
		if (more || text ~ /^[ \t]*$/) next
		sub(/^[ \t]+/, "", text)
		word = toupper(text)
		sub(/[ \t].*/, "", word)
		line(word, text, first)
		text = ""
	}
'

# dockerfile_bases FILE [NAME=VALUE]…: debian:<release>[-slim] of its FROM and COPY --from, one a line, variables replaced by
# the build arguments that are given or by their defaults.
dockerfile_bases() (
	file=$1
	shift
	given=$(printf '%s\n' "$@")
	export given
	awk '
		BEGIN {
			n = split(ENVIRON["given"], pairs, "\n")
			for (i = 1; i <= n; i++)
				if (at = index(pairs[i], "=")) values[substr(pairs[i], 1, at - 1)] = substr(pairs[i], at + 1)
		}
		function replaced(text, name, all, other) {
			while (match(text, /\$(\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\}|[A-Za-z_][A-Za-z0-9_]*)/)) {
				all = substr(text, RSTART, RLENGTH)
				name = all
				gsub(/[${}]/, "", name)
				other = ""
				if (at = index(name, ":-")) {
					other = substr(name, at + 2)
					name = substr(name, 1, at - 1)
				}
				if (name in values && values[name] != "") other = values[name]
				text = substr(text, 1, RSTART - 1) other substr(text, RSTART + RLENGTH)
			}
			return text
		}
		function line(word, text, number, words, n, i, at, value) {
			n = split(text, words, /[ \t]+/)
			if (word == "ARG" && !from) {
				for (i = 2; i <= n; i++)
					if ((at = index(words[i], "=")) && !(substr(words[i], 1, at - 1) in values)) {
						value = substr(words[i], at + 1)
						gsub(/["'\'']/, "", value)
						values[substr(words[i], 1, at - 1)] = replaced(value)
					}
			} else if (word == "FROM") {
				from = 1
				for (i = 2; words[i] ~ /^--/; i++);
				print replaced(words[i])
			} else if (word == "COPY") {
				for (i = 2; words[i] ~ /^--/; i++)
					if (sub(/^--from=/, "", words[i])) print words[i]
			}
		}
	'"$dockerfile_lines" "$file" | sed -n 's|^docker\.io/||; s|^library/||; s|^debian$|debian:latest|; /^debian:[a-z0-9][a-z0-9-]*$/p' | sort -u
)

# dockerfile_refused FILE: says what buildah 1.28 would stumble over, and is true if there is such a thing.
dockerfile_refused() {
	awk '
		function line(word, text, number) {
			if ((word == "RUN" || word == "COPY" || word == "ADD") && text ~ /(^|[^<])<<-?["'\'']?[A-Za-z_]/) {
				printf "Error: line %d of the Dockerfile: here-documents (<<) are not there: Terrarium builds with buildah 1.28\n", number
				found = 1
				exit
			}
		}
		END { exit !found }
	'"$dockerfile_lines" "$1"
}

# dockerfile_ours FILE CERTIFICATES: the Dockerfile as it is built. The certificates that this machine trusts are there
# while the build runs, and are not in the image: the file is mounted under that name (none: ""), and build arguments name it to
# programs with lists of their own. COPY --link is COPY: it says only how layers may be made.
dockerfile_ours() {
	arguments=
	if [ -n "$2" ]; then
		arguments=ARG
		for name in SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO NODE_EXTRA_CA_CERTS PIP_CERT REQUESTS_CA_BUNDLE \
			AWS_CA_BUNDLE; do
			arguments="$arguments $name=$2"
		done
	fi
	awk -v arguments="$arguments" '
		/^[ \t]*#/ { print; next }
		!continued && /^[ \t]*([Cc][Oo][Pp][Yy]|[Aa][Dd][Dd])[ \t]/ { sub(/[ \t]--link(=true)?[ \t]/, " ") }
		{ print }
		!continued && tolower($1) == "from" { from = 1 }
		{ continued = /\\[ \t]*$/ }
		from && !continued && arguments != "" { print arguments }
		!continued { from = 0 }
	' "$1"
}
