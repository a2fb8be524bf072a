module nodeward/benches/yardstick

go 1.25
