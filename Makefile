# What there is to do here; `make` alone lists it. What a line needs more than cargo for stands in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run test lint bench torture

help: ## list what there is
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | while IFS=$$(printf '\t') read -r name what; do printf 'make %-8s %s\n' "$$name" "$$what"; done

run: ## build (release) and start Keyward; ARGS="--upstream http://127.0.0.1:3000" puts it before an API
	scripts/build-console
	cargo run --release -p keyward -- serve $(ARGS)

test: ## install what the tests need, and run them all
	scripts/setup-tests
	scripts/build-console
	cargo test --workspace

lint: ## formatting, clippy, the repository's own rules, licences and duplicates of dependencies
	scripts/lint

bench: ## Keyward beside HAProxy and nginx, and one decision by itself; ARGS="--quick" for a trial
	scripts/bench $(ARGS)

torture: ## the tests with many more rounds, then each mutant must be caught
	scripts/torture
