# Images. build.sh ACTION FOLDER CERTIFICATES [WORD]…:
#
#   build [OPTION OF buildah bud]…   builds one, its context as a tar on stdin
#   load                             loads a saved one, that tar on stdin
#   base NAME                        sees to it that debian:<release>[-slim] can be built upon
#   prune DAYS MIB [NAME]…           removes what has not been used for long
#
# The functions of dockerfile.sh stand before it. Runs as process 1 of a pid namespace and in a mount namespace, both its own: however it ends, it leaves neither a
# process nor a mount. Root of the glass, in the edge's network. In FOLDER it keeps storage/ (images and cached layers)
# and cache/ between builds, and bases/. The result of build and load is the OCI layout out/.
#
# bases/SUITE[-slim]_SECONDS_RECIPE/ is an image store with one image, made at that time. It never changes: all builds of the
# region, those of CodeBuild too, read it as an additional store. It is made under another name and renamed when whole.
set -eu

action=$1
folder=$2
certificates=$3
shift 3
work=$folder/work
out=$folder/out
bases=$folder/bases
base_days=7 # an older base is made anew when it is next asked for

mkdir -p "$bases" /run/terrarium-build
mount -t tmpfs -o mode=755 tmpfs /run/terrarium-build
settings=/run/terrarium-build

export HOME=$settings XDG_RUNTIME_DIR=$settings BUILDAH_ISOLATION=chroot
export CONTAINERS_CONF=$settings/containers.conf CONTAINERS_STORAGE_CONF=$settings/storage.conf
export CONTAINERS_REGISTRIES_CONF=$settings/registries.conf
# Where buildah's library puts its notes on compressed layers depends on this alone.
export _CONTAINERS_ROOTLESS_UID=1

# Docker's rule: a name without a registry is Docker Hub's.
cat >"$CONTAINERS_REGISTRIES_CONF" <<END
unqualified-search-registries = ["docker.io"]
short-name-mode = "disabled"
END
cat >"$CONTAINERS_CONF" <<END
[containers]
cgroups = "disabled"
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "none"
END

# use_storage FOLDER: images are kept there; those of all bases are seen, the newest first.
use_storage() {
	stores=
	for store in $(list_bases | sort -t _ -k 2,2nr); do
		stores="$stores\"$bases/$store\","
	done
	use_stores "$1" "$stores"
}

# use_stores FOLDER STORES: images are kept there; those of the stores, each in quotes and with a comma, are seen.
use_stores() {
	cat >"$CONTAINERS_STORAGE_CONF" <<-END
		[storage]
		driver = "overlay"
		graphroot = "$1"
		rootless_storage_path = "$1"
		runroot = "$settings/storage"
		[storage.options]
		additionalimagestores = [$2]
	END
}

# ---- bases ----

list_bases() {
	for store in "$bases"/*_*_*; do
		[ ! -d "$store" ] || echo "${store##*/}"
	done
}

# suite_of NAME: of debian:<release>[-slim]
suite_of() {
	release=${1#debian:}
	release=${release%-slim}
	case $release in
	11) echo bullseye ;;
	12) echo bookworm ;;
	13) echo trixie ;;
	latest) echo stable ;;
	*) echo "$release" ;;
	esac
}

# Under which names a suite is asked for.
names_of() {
	case $1 in
	bullseye) echo bullseye 11 ;;
	bookworm) echo bookworm 12 ;;
	trixie) echo trixie 13 ;;
	stable) echo stable latest ;;
	*) echo "$1" ;;
	esac
}

# pack_base TAR STORE NAME…: the store of an image with that one layer, whose id follows from what is in it.
pack_base() {
	tar=$1
	store=$2
	shift 2
	image=${store%/*}/image
	mkdir "$image"
	layer=$(sha256sum "$tar" | cut -d ' ' -f 1)
	size=$(stat -c %s "$tar")
	mv "$tar" "$image/$layer"
	date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y-%m-%dT%H:%M:%SZ)
	path=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
	printf '{"architecture":"%s","os":"linux","created":"%s","config":{"Env":["PATH=%s"],"Cmd":["bash"]},%s,%s}' \
		"$(dpkg --print-architecture)" "$date" "$path" \
		"\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[\"sha256:$layer\"]}" \
		"\"history\":[{\"created\":\"$date\",\"created_by\":\"mmdebstrap\"}]" >"$image/config"
	config=$(sha256sum "$image/config" | cut -d ' ' -f 1)
	type=application/vnd.docker
	printf '{"schemaVersion":2,"mediaType":"%s","config":%s,"layers":[%s]}' "$type.distribution.manifest.v2+json" \
		"{\"mediaType\":\"$type.container.image.v1+json\",\"size\":$(stat -c %s "$image/config"),\"digest\":\"sha256:$config\"}" \
		"{\"mediaType\":\"$type.image.rootfs.diff.tar\",\"size\":$size,\"digest\":\"sha256:$layer\"}" \
		>"$image/manifest.json"
	mv "$image/config" "$image/$config"
	# It stands for itself: a layer that another base has too is not left to that one, which goes one day.
	use_stores "$store" ""
	buildah pull --quiet "dir:$image" >/dev/null || return
	for name in "$@"; do
		buildah tag "$config" "docker.io/library/debian:$name" || return
	done
}

# base NAME: makes debian:<release>[-slim] from the mirror, unless there is one that is fresh.
base() {
	suite=$(suite_of "$1")
	slim=
	case $1 in *-slim) slim=-slim ;; esac
	# As in the images of the registry: no fsync for each file, no translations, no packages kept.
	set -- --mode=root --variant=minbase --dpkgopt=force-unsafe-io --aptopt='Acquire::Languages "none"' \
		--customize-hook='echo "APT::Keep-Downloaded-Packages \"false\";" >"$1/etc/apt/apt.conf.d/clean"'
	[ -z "$slim" ] || set -- "$@" --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-exclude=/usr/share/man/*' \
		--dpkgopt='path-exclude=/usr/share/locale/*'
	recipe=$(printf '%s\n' "$@" | sha256sum | cut -c 1-8)
	now=$(date +%s)
	exec 8>"$bases/lock"
	flock 8
	for store in $(list_bases); do
		time=${store%_*}
		case $store in
		"$suite$slim"_*_"$recipe") [ "${time##*_}" -lt $((now - base_days * 86400)) ] || return 0 ;;
		esac
	done
	# Whoever has left something here does not hold the lock, and so is no more.
	rm -rf "$bases"/making.*
	making=$bases/making.$$ made=
	mkdir "$making"
	echo "No registry can be reached: making debian:${suite}$slim from the Debian mirror with mmdebstrap (once)."
	export SOURCE_DATE_EPOCH=$((now / 86400 * 86400)) TMPDIR=$making XDG_DATA_HOME=$making
	names=
	for name in $(names_of "$suite"); do
		names="$names $name$slim"
	done
	{ mmdebstrap --quiet "$@" "$suite" "$making/base.tar" && pack_base "$making/base.tar" "$making/store" $names &&
		sync -f "$making" && mv "$making/store" "$bases/$suite${slim}_${now}_$recipe" && made=1
	} >"$making.said" 2>&1
	[ -n "$made" ] || echo "Error: debian:$suite$slim could not be made: $(grep -m 1 '^E' "$making.said")"
	rm -rf "$making" "$making.said"
	[ -n "$made" ]
}

# Does any storage have layers upon the base? Its layer's id is then the parent of theirs.
base_is_used() {
	layer=$(sed 's/.*"id":"\([0-9a-f]*\)".*/\1/' "$bases/$1/overlay-layers/layers.json")
	grep -q -s -F "$layer" "$folder/storage/overlay-layers/layers.json" \
		"$folder"/projects/*/containers/storage/overlay-layers/layers.json
}

# prune DAYS MIB NAME…: storage that was not used for so many days, or, beginning with what was not used for longest, that
# makes it more than so much in all; then bases that are older than base_days and that no storage builds upon. The
# storage of the projects NAME… is being used. Nothing happens while an image is made: there will be another time.
prune() {
	days=$1
	most=$2
	shift 2
	exec 8>"$bases/lock" 9>"$folder/lock"
	flock -n 8 && flock -n 9 || return 0
	total=0
	for storage in $(ls -1dt "$folder"/projects/* "$folder/storage" 2>/dev/null); do
		size=$(du -smx "$storage" | cut -f 1)
		total=$((total + size))
		for name in "$@"; do
			[ "$folder/projects/$name" != "$storage" ] || continue 2
		done
		if [ "$total" -gt "$most" ] || [ -n "$(find "$storage" -maxdepth 0 -mtime "+$((days - 1))")" ]; then
			rm -rf --one-file-system "$storage"
			total=$((total - size))
		fi
	done
	[ $# = 0 ] || return 0
	for store in $(list_bases); do
		time=${store%_*}
		[ "${time##*_}" -ge $(($(date +%s) - base_days * 86400)) ] || base_is_used "$store" || rm -rf "${bases:?}/$store"
	done
}

case $action in
base)
	base "$1"
	exit
	;;
prune)
	prune "$@"
	exit
	;;
esac

# ---- images ----

# Builds of an earlier region may still run.
exec 9>"$folder/lock"
flock 9

rm -rf "$work" "$out"
mkdir -p "$work/context" "$work/tmp" "$folder/storage" "$folder/cache" "$out/image" "$out/blobs"
touch "$folder/storage"
export HOME=$work TMPDIR=$work/tmp XDG_DATA_HOME=$folder/cache
use_storage "$folder/storage"

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

! dockerfile_refused "$work/Dockerfile" || exit 1
inside=${certificates:+/run/terrarium-certificates.crt}
dockerfile_ours "$work/Dockerfile" "$inside" >"$work/tmp/Dockerfile"
mv "$work/tmp/Dockerfile" "$work/Dockerfile"

# The build arguments among the options.
given=
previous=
for word in "$@"; do
	[ "$previous" != --build-arg ] || given="$given$word
"
	previous=$word
done

# What no registry can give is made. An older one is better than none.
registry=
for name in $(dockerfile_bases "$work/Dockerfile" "$given"); do
	if [ -z "$registry" ]; then
		registry=unreachable
		curl --silent --max-time 5 --output /dev/null https://registry-1.docker.io/v2/ && registry=reachable
	fi
	[ "$registry" = reachable ] || (base "$name") || buildah inspect --type image "docker.io/library/$name" >/dev/null
done
use_storage "$folder/storage"

# In Docker's format, as OCI's has no SHELL, which the build needs, and no HEALTHCHECK, which ECS does not read.
: >"$work/ignore"
buildah bud --format docker --layers --network host --ignorefile "$work/ignore" --file "$work/Dockerfile" \
	--tag localhost/build ${certificates:+--volume "$certificates:$inside:ro"} "$@" "$work/context"
result localhost/build
rm -rf "$work"
