# Reads the commands of a build one after the other in this shell: see run.sh.
[ -f /codebuild/tmp/environment ] && . /codebuild/tmp/environment
if [ -f /codebuild/tmp/folder ]; then
	cd "$(cat /codebuild/tmp/folder)"
else
	cd "$CODEBUILD_SRC_DIR"
fi
# What another user (run-as) left is his.
trap '__status=$?; rm -f /codebuild/tmp/environment /codebuild/tmp/folder; export -p >/codebuild/tmp/environment; pwd >/codebuild/tmp/folder; exit $__status' EXIT
while read -r CODEBUILD_BUILD_SUCCEEDING __file </codebuild/tmp/ask; do
	export CODEBUILD_BUILD_SUCCEEDING
	. "$__file" </dev/null
	printf 'done %s\n' "$?" >/codebuild/tmp/answer
done
