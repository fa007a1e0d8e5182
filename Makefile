# SPDX-License-Identifier: Apache-2.0
# Each target does all its own set-up on a fresh Debian 12 machine. `make help` lists them.
.PHONY: help setup configure program build web test-web package dist demo demo-short test bench format clean
BIN := build/release/bin

help:
	@echo "make demo        set up, build, and make a hamburger: output/demo (PLY, pictures, films)"
	@echo "make test        set up, build, and run all tests"
	@echo "make build       set up and build only: build/release/bin/lucid"
	@echo "make web         set up Node, and build the page and the viewer of \`lucid view\`: build/web"
	@echo "make test-web    test the page and its API in a headless Chromium"
	@echo "make package     build the Debian package: build/lucid_VERSION_amd64.deb"
	@echo "make dist        the package and a tarball that runs on other distributions, with checksums: build/dist"
	@echo "make bench       validate, then time the rasteriser and one whole step"
	@echo "make format      format the C++ sources in place"
	@echo "make clean       remove build/"

setup:
	@tools/setup_debian.sh

configure: setup
	@cmake --preset release $(CMAKE_FLAGS) >build-configure.log 2>&1 || { cat build-configure.log; exit 1; }
	@rm -f build-configure.log

# What a demo needs: the program without tests and benchmarks.
program: configure
	@cmake --build --preset release --target lucid

build: configure
	@cmake --build --preset release

# `npm ci` only where the lock file has changed since the last one.
web/node_modules/.package-lock.json: web/package-lock.json
	@tools/setup_web.sh
	@cd web && npm ci --ignore-scripts --loglevel=error
	@touch $@

web: web/node_modules/.package-lock.json
	@cd web && npm run --silent check && npm run --silent build

test-web: program
	@tools/check_web.sh

demo: program
	$(BIN)/lucid generate --overwrite --workspace demo "a hamburger"

# The same path in a minute: every stage runs, the picture is rough.
demo-short: program
	$(BIN)/lucid generate --overwrite --workspace demo-short --preset draft --iterations 20 --pro-frames-num 10 --turntable-frames 12 "a hamburger"

test: build
	@tools/run_tests.sh build/release -j2

# With the page inside, where Node is.
package: web program
	@cmake --build --preset release --target lucid_generated
	@cd build/release && cpack -G DEB -D CPACK_PACKAGE_DIRECTORY=$(CURDIR)/build
	@rm -rf build/_CPack_Packages

dist: package
	@rm -rf build/dist && mkdir build/dist
	@mv build/lucid_*.deb build/dist
	@tools/make_tarball.sh build/dist
	@cd build/dist && sha256sum * >SHA256SUMS && cat SHA256SUMS

bench: build
	$(BIN)/bench_raster
	$(BIN)/bench_step

format:
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i

clean:
	rm -rf build
