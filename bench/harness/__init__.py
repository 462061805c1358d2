"""The harness behind `make bench`: what is measured, how, and what is said about it."""
