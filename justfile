# Everyday commands. `just` lists them.
default:
    @just --list

# The screen on the embedded server.
demo:
    cargo run --release -- --demo

# Formatting, warnings and every test, as CI runs them.
ci:
    .ci/run

# Every test; arguments go to `cargo test`.
test *args:
    tests/run {{args}}

# The pool beside its peers, as ratios from one run.
bench *args:
    cargo run --release -p pooltop-benches -- {{args}}

# The README's pictures, from a run of the real screen on the embedded server: takes a minute.
pictures:
    cargo run -p pooltop-benches -- pictures

# Accept changed snapshots after looking at them.
review:
    cargo insta review
