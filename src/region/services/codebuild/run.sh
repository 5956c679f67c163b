# Carries out the phases of a build in its container: run.sh SHELL. Any POSIX shell, with cat, date, mkfifo, mkdir, rm.
#
# The commands of all phases are read by one shell (shell.sh), so that what one sets the next one sees; a command that
# says `exit` ends it, and the next gets a new one with the exported variables and the folder of the former. What
# happens is told by files in events/, whose names give the order.
home=/codebuild
script=$home/script
events=$home/events
tmp=$home/tmp
shell_program=$1
count=0 succeeding=1 alive= user= reached= status=0 failed= message=
umask 022

now() {
	date -u '+%Y/%m/%d %H:%M:%S'
}

say() {
	printf '[Container] %s %s\n' "$(now)" "$1"
}

# event WORDS [TEXT]
event() {
	count=$((count + 1))
	number=$(printf '%03d' "$count")
	[ -z "${2:-}" ] || printf '%s' "$2" >"$events/text-$number"
	: >"$events/$number-$1"
}

start_shell() {
	rm -f "$tmp/ask" "$tmp/answer"
	mkfifo -m 666 "$tmp/ask" "$tmp/answer"
	exec 7<>"$tmp/ask" 8<>"$tmp/answer"
	(
		exec 7>&- 8>&-
		if [ -n "$user" ] && [ "$user" != "$(id -un 2>/dev/null)" ]; then
			path=$(command -v "$shell_program")
			case $path in
			/*) ;;
			*) path=/bin/$shell_program ;; # busybox has its own
			esac
			su -m -s "$path" "$user" -c ". $script/shell.sh"
		else
			"$shell_program" "$script/shell.sh"
		fi
		printf 'end %s\n' "$?" >"$tmp/answer"
	) &
	alive=1
}

# ask FILE: has it read by the shell; sets status.
ask() {
	[ -n "$alive" ] || start_shell
	printf '%s %s\n' "$succeeding" "$1" >&7
	read -r word status <&8
	[ "$word" = done ] || alive=
}

use_user() {
	[ "$user" = "$1" ] && return
	[ -z "$alive" ] || ask "$script/leave"
	user=$1
}

# The commands of a phase, then its finally.
attempt() {
	failed= message=
	for list in commands finally; do
		for file in "$script/$phase/$list"/*; do
			[ -f "$file" ] || continue
			say "Running command $(cat "$file")"
			ask "$file"
			[ "$status" = 0 ] && continue
			say "Command did not exit successfully $(cat "$file") exit status $status"
			[ -n "$failed" ] || message="Error while executing command: $(cat "$file"). Reason: exit status $status"
			failed=1
			break
		done
	done
}

# run_phase NAME: sets failed, and goes_on: whether what follows is carried out.
run_phase() {
	phase=$1
	upper=$(printf '%s' "$phase" | tr a-z A-Z)
	event "start-$upper"
	say "Entering phase $upper"
	how=$(cat "$script/$phase/on-failure" 2>/dev/null)
	retries=0
	case $how in
	RETRY) retries=3 ;;
	RETRY-*) retries=${how#RETRY-} ;;
	esac
	use_user "$(cat "$script/$phase/run-as" 2>/dev/null)"
	attempt
	while [ -n "$failed" ] && [ "$retries" -gt 0 ]; do
		say "Phase $upper failed: retrying it, $retries times at most"
		retries=$((retries - 1))
		attempt
	done
	if [ -z "$failed" ]; then
		event "end-$upper-SUCCEEDED"
		say "Phase complete: $upper State: SUCCEEDED"
		say "Phase context status code:  Message: "
		return
	fi
	succeeding=0
	event "end-$upper-FAILED" "$message"
	say "Phase complete: $upper State: FAILED"
	say "Phase context status code: COMMAND_EXECUTION_ERROR Message: $message"
	goes_on=
	[ "$how" = CONTINUE ] && goes_on=1
	[ -z "$how" ] && [ "$phase" = build ] && goes_on=1
}

# Folders of the local cache take the place of those that the buildspec names.
link_caches() {
	[ -f "$script/cache" ] || return
	cd "$CODEBUILD_SRC_DIR" || return
	while read -r kept path; do
		cached=$home/local-cache/$kept
		mkdir -p "$cached"
		if [ -d "$path" ] && [ ! -L "$path" ]; then
			cp -a "$path/." "$cached/" && rm -rf "$path"
		fi
		case $path in
		*/*) mkdir -p "${path%/*}" ;;
		esac
		[ -e "$path" ] || ln -s "$cached" "$path"
	done <"$script/cache"
}

trap 'exit 143' TERM
link_caches
for each in install pre_build build post_build; do
	goes_on=1
	[ "$each" = build ] && reached=1
	run_phase "$each"
	[ -n "$goes_on" ] || break
done
[ -z "$reached" ] || ask "$script/expand"
ask "$script/exports"
event "done-${reached:-0}"
[ "$succeeding" = 1 ]
