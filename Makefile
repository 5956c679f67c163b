# The front door: Meson does the work.
.PHONY: build up down test test-fast lint format format-check clean

build: build/build.ninja
	@tools/build build

build/build.ninja:
	@tools/packages
	@echo "Configuring"
	@meson setup build >build.log 2>&1 || { cat build.log; rm -f build.log; exit 1; }
	@rm -f build.log

test: build
	@tools/run-tests build unit golden conformance glass e2e

test-fast: build
	@tools/run-tests build unit golden

up: build
	@tools/up

down: build
	@build/src/cli/terrarium down --purge

# FILES="a.c b.c" looks at those only.
FILES = $(shell git ls-files '*.c')
lint: build
	@tools/packages
	@printf '%s\n' $(filter-out tests/fuzz/%,$(FILES)) | \
		xargs -P "$$(nproc)" -n 6 clang-tidy -p build --quiet --extra-arg=-Wno-unused-variable 2>/dev/null

format:
	@git ls-files '*.c' '*.h' | xargs clang-format -i

format-check:
	@git ls-files '*.c' '*.h' | xargs clang-format --dry-run -Werror

clean:
	@rm -rf build build-sanitize build-fuzz
