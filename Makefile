# SPDX-License-Identifier: Apache-2.0
# Each target does all its own set-up on a fresh Debian 12 machine. `make help` lists them.
.PHONY: help setup configure program build web test-web package dist demo demo-short test bench fuzz mutants format clean \
        gpu gpu-build gpu-demo gpu-test dist-gpu
BIN := build/release/bin
GPU_BIN := build/gpu/bin

help:
	@echo "make demo        set up, build, and make a hamburger: output/demo (PLY, pictures, films)"
	@echo "make test        set up, build, and run all tests"
	@echo "make build       set up and build only: build/release/bin/lucid"
	@echo "make gpu         set up and build with CUDA, for --device cuda: build/gpu/bin/lucid (docs/guide/gpu.md)"
	@echo "make gpu-demo    the demo on an NVIDIA card: output/demo-gpu"
	@echo "make gpu-test    the tests that want an NVIDIA card"
	@echo "make web         set up Node, and build the page and the viewer of \`lucid view\`: build/web"
	@echo "make test-web    test the page and its API in a headless Chromium"
	@echo "make package     build the Debian package: build/lucid_VERSION_amd64.deb"
	@echo "make dist        the package and a tarball that runs on other distributions, with checksums and an SBOM: build/dist"
	@echo "make dist-gpu    a tarball with CUDA, for all cards; it takes CUDA's libraries from an installed torch: build/dist-gpu"
	@echo "make bench       validate, then time the rasteriser and one whole step"
	@echo "make fuzz        every parser's fuzzer for FUZZ_SECONDS (60) each, under two sanitizers; prints the executions"
	@echo "make mutants     change operators in the delicate files and see the tests fail: docs/dev/mutation.md"
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
	@tools/make_sbom.sh build/dist
	@cd build/dist && sha256sum * >SHA256SUMS && cat SHA256SUMS

# NVIDIA. Its own build folder, so that the CPU's build stays. Settings come from tools/setup_gpu.sh.
GPU_TARGETS := lucid
gpu-build:
	@cmake -C build/cuda/settings.cmake -G Ninja -S . -B build/gpu -DCMAKE_BUILD_TYPE=Release $(CMAKE_FLAGS) \
	  >build/gpu-configure.log 2>&1 || { cat build/gpu-configure.log; exit 1; }
	@cmake --build build/gpu --target $(GPU_TARGETS)

gpu:
	@tools/setup_gpu.sh
	@$(MAKE) --no-print-directory gpu-build
	@$(GPU_BIN)/lucid info

# Whether there is a card is asked before anything is built.
gpu-demo:
	@tools/setup_gpu.sh --card
	@$(MAKE) --no-print-directory gpu
	$(GPU_BIN)/lucid generate --device cuda --overwrite --workspace demo-gpu "a hamburger"

gpu-test:
	@tools/setup_gpu.sh --card
	@tools/setup_gpu.sh
	@$(MAKE) --no-print-directory gpu-build GPU_TARGETS="lucid lucid_render_test lucid_diffusion_test lucid_train_test lucid_pretrain_test"
	@tools/gpu_test.sh build/gpu

dist-gpu: web
	@tools/setup_gpu.sh --release
	@$(MAKE) --no-print-directory gpu-build GPU_TARGETS="lucid lucid_generated"
	@rm -rf build/dist-gpu && mkdir build/dist-gpu
	@tools/make_tarball.sh build/dist-gpu build/gpu
	@cd build/dist-gpu && sha256sum * >SHA256SUMS && cat SHA256SUMS

bench: build
	$(BIN)/bench_raster
	$(BIN)/bench_step

# Wants libclang-rt-14-dev as well.
FUZZ_SECONDS := 60
fuzz: setup
	@tools/fuzz.sh $(FUZZ_SECONDS)

mutants: build
	@tools/mutate.py

format:
	@git ls-files '*.cpp' '*.h' | xargs clang-format -i

clean:
	rm -rf build
