# Two commands do everything: `make demo` and `make test`. `make help` lists the others.

.DEFAULT_GOAL := help
.PHONY: build test fmt lint bench deb demo reproducible clean help

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## Build the optimised binaries: target/release/
	@.ci/release-build

demo: ## Show an allowed and a denied pod on a real cluster, about 20 s once built
	@[ "$$(id -u)" = 0 ] || { echo "make demo needs root, for namespaces and containerd" >&2; exit 1; }
	@.ci/packages demo
	@tests/go/kubernetes/build >/dev/null
	@cargo build --locked --bins --example demo
	@target/debug/examples/demo

test: ## Run every check there is; the last line is the total
	@.ci/packages test
	@.ci/checks

fmt: ## Bring Rust and Go sources into their canonical form
	cargo fmt
	gofmt -w $(dir $(shell git ls-files '*go.mod'))

lint: ## The quick checks: formatting and clippy
	cargo fmt --check
	cargo clippy --all-targets --locked -- -D warnings

bench: ## Measure against haproxy and no proxy: the table of docs/benchmarks.md
	@.ci/packages bench
	cargo bench --locked --bench yardstick

reproducible: ## Build the released binary twice, in two directories, and compare the bits (7 to 12 min)
	@.ci/packages demo
	@.ci/reproducible

deb: ## Build the Debian package: target/debian/kubelet-proxy.deb
	@.ci/packages deb
	@.ci/release-build
	packaging/build-deb target/release/kubelet-proxy target/debian/kubelet-proxy.deb

clean: ## Remove what was built, the cached Kubernetes, Debian and checkers included
	cargo clean
	rm -rf "$${XDG_CACHE_HOME:-$$HOME/.cache}/nodeward"
