module nodeward.test/signer

go 1.26.0
