# An image build: build.sh build FOLDER CERTIFICATES [OPTION OF buildah bud]…, the context as a tar on stdin; or the
# loading of a saved image: build.sh load FOLDER CERTIFICATES, that tar on stdin.
#
# Runs as process 1 of a pid namespace and in a mount namespace, both its own: however it ends, it leaves neither a
# process nor a mount. Root of the glass, in the edge's network. In FOLDER it keeps storage/ (images and cached layers)
# and cache/ between builds. The result is the OCI layout out/.
set -eu

action=$1
folder=$2
certificates=$3
shift 3
work=$folder/work
out=$folder/out

# Builds of an earlier region may still run.
exec 9>"$folder/lock"
flock 9

rm -rf "$work" "$out"
mkdir -p "$work/context" "$work/tmp" "$folder/storage" "$folder/cache" "$out/image" "$out/blobs"
mkdir -p /run/terrarium-build
mount -t tmpfs -o mode=755 tmpfs /run/terrarium-build
settings=/run/terrarium-build

export HOME=$work TMPDIR=$work/tmp XDG_DATA_HOME=$folder/cache XDG_RUNTIME_DIR=$settings
export CONTAINERS_CONF=$settings/containers.conf CONTAINERS_STORAGE_CONF=$settings/storage.conf
export CONTAINERS_REGISTRIES_CONF=$settings/registries.conf BUILDAH_ISOLATION=chroot
# Where buildah's library puts its notes on compressed layers depends on this alone.
export _CONTAINERS_ROOTLESS_UID=1

cat >"$CONTAINERS_STORAGE_CONF" <<END
[storage]
driver = "overlay"
graphroot = "$folder/storage"
rootless_storage_path = "$folder/storage"
runroot = "$settings/storage"
END
# Docker's rule: a name without a registry is Docker Hub's.
cat >"$CONTAINERS_REGISTRIES_CONF" <<END
unqualified-search-registries = ["docker.io"]
short-name-mode = "disabled"
END
cat >"$CONTAINERS_CONF" <<END
[containers]
cgroups = "disabled"
netns = "host"
END
cat >>"$CONTAINERS_CONF" <<END
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
END

# result IMAGE: leaves the layout. Its layers stay as they are: zipping them takes longer than most builds, and every
# task would have to unzip them. So they come by way of buildah's folder format, as its layout format zips.
result() {
	buildah push --quiet --disable-compression --format oci "$1" "dir:$out/image"
	digest=$(sha256sum "$out/image/manifest.json" | cut -d ' ' -f 1)
	size=$(stat -c %s "$out/image/manifest.json")
	mv "$out/image/manifest.json" "$out/image/$digest"
	rm "$out/image/version"
	mv "$out/image" "$out/blobs/sha256"
	echo '{"imageLayoutVersion":"1.0.0"}' >"$out/oci-layout"
	type=application/vnd.oci.image
	echo "{\"schemaVersion\":2,\"mediaType\":\"$type.index.v1+json\",\"manifests\":[{\"mediaType\":" \
		"\"$type.manifest.v1+json\",\"digest\":\"sha256:$digest\",\"size\":$size}]}" >"$out/index.json"
}

if [ "$action" = load ]; then
	cat >"$work/archive.tar"
	tar -t -f "$work/archive.tar" >"$work/list" 2>"$work/tmp/tar" || {
		echo "Error: the file is no tar archive: $(head -n 1 "$work/tmp/tar")"
		exit 1
	}
	if grep -q -x -E '(\./)?oci-layout' "$work/list"; then
		format=oci-archive
	elif grep -q -x -E '(\./)?manifest.json' "$work/list"; then
		format=docker-archive
	else
		echo "Error: the file is no saved image: neither docker-archive (docker save) nor oci-archive."
		exit 1
	fi
	image=$(buildah pull --quiet "$format:$work/archive.tar")
	result "$image"
	buildah rmi --force "$image" >/dev/null
	rm -rf "$work"
	exit
fi

tar -x -f - -C "$work"

# The certificates that this machine trusts are there while the build runs, and are not in the image: a mount, and
# build arguments that name it to programs with lists of their own.
if [ -n "$certificates" ]; then
	inside=/run/terrarium-certificates.crt
	arguments=ARG
	for name in SSL_CERT_FILE CURL_CA_BUNDLE GIT_SSL_CAINFO NODE_EXTRA_CA_CERTS PIP_CERT REQUESTS_CA_BUNDLE \
		AWS_CA_BUNDLE; do
		arguments="$arguments $name=$inside"
	done
	awk -v arguments="$arguments" '
		{ print }
		/^[ \t]*#/ { next }
		!continued && tolower($1) == "from" { from = 1 }
		{ continued = /\\[ \t]*$/ }
		from && !continued { print arguments; from = 0 }
	' "$work/Dockerfile" >"$work/tmp/Dockerfile"
	mv "$work/tmp/Dockerfile" "$work/Dockerfile"
	set -- --volume "$certificates:$inside:ro" "$@"
fi

# base NAME: makes debian:<release>[-slim] from the mirror, if there is no such image yet and no registry answers.
base() {
	image=docker.io/library/$1
	buildah inspect --type image "$image" >/dev/null 2>&1 && return
	if [ -z "${registry:-}" ]; then
		registry=unreachable
		curl --silent --max-time 5 --output /dev/null https://registry-1.docker.io/v2/ && registry=reachable
	fi
	[ "$registry" = reachable ] && return
	release=${1#debian:}
	release=${release%-slim}
	case $release in
	11) release=bullseye ;;
	12) release=bookworm ;;
	13) release=trixie ;;
	latest) release=stable ;;
	esac
	echo "No registry can be reached: making $1 from the Debian mirror with mmdebstrap (once)."
	case $1 in
	*-slim) set -- "$1" --dpkgopt=path-exclude=/usr/share/doc/* --dpkgopt=path-include=/usr/share/doc/*/copyright \
		--dpkgopt=path-exclude=/usr/share/man/* --dpkgopt=path-exclude=/usr/share/locale/* ;;
	esac
	shift
	# As in the images of the registry: no fsync for each file, no translations, no packages kept.
	mmdebstrap --mode=root --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
		--customize-hook='echo "APT::Keep-Downloaded-Packages \"false\";" >"$1/etc/apt/apt.conf.d/clean"' \
		"$@" "$release" "$work/base.tar"
	container=$(buildah from scratch)
	buildah add --quiet "$container" "$work/base.tar" / >/dev/null
	buildah config --cmd bash --env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$container"
	buildah commit --quiet --rm "$container" "$image" >/dev/null
	rm "$work/base.tar"
}

for name in $(sed -n 's/^[[:space:]]*[Ff][Rr][Oo][Mm][[:space:]]\{1,\}\(--[^[:space:]]*[[:space:]]\{1,\}\)*\(docker.io\/library\/\)\{0,1\}\(debian:[a-z0-9-]*\).*/\3/p' \
	"$work/Dockerfile" | sort -u); do
	base "$name"
done

# In Docker's format, as OCI's has no SHELL, which the build needs, and no HEALTHCHECK, which ECS does not read.
: >"$work/ignore"
buildah bud --format docker --layers --network host --ignorefile "$work/ignore" --file "$work/Dockerfile" \
	--tag localhost/build "$@" "$work/context"
result localhost/build
rm -rf "$work"
