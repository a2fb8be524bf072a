use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

use super::super::test_keys::{NOW, Signer};
use super::*;

fn certificate(years: (i32, i32), usages: &[ExtendedKeyUsagePurpose]) -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.not_before = date_time_ymd(years.0, 1, 1);
    params.not_after = date_time_ymd(years.1, 1, 1);
    params.extended_key_usages = usages.to_vec();
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
}

fn dated(years: (i32, i32)) -> TrustedKey {
    TrustedKey::read("CERTIFICATE", &certificate(years, &[])).unwrap()
}

/// What `openssl` made; the names say how.
fn der(base64: &str) -> Vec<u8> {
    STANDARD.decode(base64).unwrap()
}

#[test]
fn each_kind_of_key_verifies_its_own_signatures_and_no_others() {
    let signers = Signer::all();
    for signer in &signers {
        let trust = signer.trusted();
        let signature = signer.sign(b"text");
        assert_eq!(trust.verify(b"text", &signature, NOW).unwrap().id(), signer.key().id());
        assert!(trust.verify(b"other", &signature, NOW).is_err());
        for other in signers.iter().filter(|other| other.key().id() != signer.key().id()) {
            assert!(trust.verify(b"text", &other.sign(b"text"), NOW).is_err());
        }
    }
}

#[test]
fn a_signature_on_p_384_is_verified() {
    // printf text | openssl dgst -sha256 -sign KEY | base64 -w0
    let key = TrustedKey::read("PUBLIC KEY", &der(P384)).unwrap();
    let trust = TrustedKeys::new(vec![key], NOW).unwrap();
    assert!(trust.verify(b"text", &der(P384_SIGNATURE), NOW).is_ok());
    assert!(trust.verify(b"next", &der(P384_SIGNATURE), NOW).is_err());
}

#[test]
fn failures_are_told_as_the_seed_tells_them() {
    for (index, signer) in Signer::all().iter().enumerate() {
        let expected = match index {
            2 => "crypto/rsa: verification error",
            _ => "ECDSA signature verification failed",
        };
        for signature in [&b""[..], b"invalidsignaturedata", &signer.sign(b"other")] {
            let fault = signer.trusted().verify(b"text", signature, NOW).unwrap_err();
            assert_eq!(fault.to_string(), expected);
        }
    }
}

#[test]
fn while_keys_rotate_both_count() {
    let (old, new) = (Signer::p256(), Signer::p256());
    let both = TrustedKeys::new(vec![old.key(), new.key()], NOW).unwrap();
    for signer in [&old, &new] {
        assert_eq!(both.verify(b"t", &signer.sign(b"t"), NOW).unwrap().id(), signer.key().id());
    }
    let later = TrustedKeys::new(vec![new.key()], NOW).unwrap();
    assert!(later.verify(b"t", &old.sign(b"t"), NOW).is_err());
    assert_ne!(both.digest(), later.digest());
}

#[test]
fn a_certificate_counts_within_its_validity_alone() {
    let key = dated((2026, 2027));
    let (begin, end) = (1_767_225_600, 1_798_761_600);
    assert_eq!(key.not_after(), Some(end));
    for (now, expected) in [
        (begin - 1, "is not valid before 2026-01-01T00:00:00Z"),
        (begin, "is valid"),
        (end, "is valid"),
        (end + 1, "expired at 2027-01-01T00:00:00Z"),
    ] {
        assert_eq!(key.standing(now).told(), expected);
    }
}

#[test]
fn a_set_needs_one_key_that_counts_now() {
    let refused = |keys| TrustedKeys::new(keys, NOW).unwrap_err().to_string();
    assert!(refused(vec![dated((2020, 2021))]).starts_with("the certificate expired at 2021-01-"));
    assert!(refused(vec![dated((2030, 2031))]).contains("is not valid before 2030-01-01"));
    assert!(refused(Vec::new()).contains("no key is given"));
    assert!(refused(vec![dated((2026, 2030)); 17]).contains("more than 16 keys"));
    let kept = TrustedKeys::new(vec![dated((2020, 2021)), dated((2026, 2030))], NOW).unwrap();
    assert_eq!(kept.iter().count(), 2);
}

#[test]
fn a_good_signature_of_a_lapsed_key_is_told_apart() {
    let signer = Signer::p256();
    let mut lapsed = signer.key();
    lapsed.set_validity(0, NOW - 1);
    let trust = TrustedKeys::new(vec![lapsed, Signer::p256().key()], NOW).unwrap();
    let fault = trust.verify(b"t", &signer.sign(b"t"), NOW).unwrap_err().to_string();
    let expected = format!("the certificate of key {} expired at 2026-", signer.key().id());
    assert!(fault.starts_with(&expected), "{fault}");
    assert!(trust.verify(b"t", &signer.sign(b"t"), NOW - 1).is_ok());
}

#[test]
fn certificates_for_other_uses_are_refused() {
    use ExtendedKeyUsagePurpose::{Any, ClientAuth, CodeSigning, ServerAuth};
    for (usages, taken) in [
        (&[][..], true),
        (&[CodeSigning], true),
        (&[ServerAuth, CodeSigning], true),
        (&[Any], true),
        (&[ServerAuth], false),
        (&[ClientAuth, ServerAuth], false),
    ] {
        let read = TrustedKey::read("CERTIFICATE", &certificate((2026, 2030), usages));
        match read {
            Ok(_) => assert!(taken, "{usages:?}"),
            Err(refusal) => assert!(!taken && refusal == KeyRefusal::Usage, "{refusal}"),
        }
    }
}

#[test]
fn keys_that_verify_nothing_are_refused_with_a_remedy() {
    // openssl genpkey -algorithm ed25519 | openssl pkey -pubout -outform DER | base64
    let ed25519 = "MCowBQYDK2VwAyEAgQEpy0zVp5+qHryp4dPuCjjBtyJNgnXbEDIWWRC6c08=";
    // openssl ecparam -name secp224r1 -genkey | openssl ec -pubout -outform DER | base64 -w0
    let p224 = P224;
    // openssl genrsa 1024 | openssl rsa -pubout -outform DER | base64 -w0
    let rsa1024 = RSA_1024;
    // openssl genpkey -algorithm rsa-pss | openssl pkey -pubout -outform DER | base64 -w0
    let pss = RSA_PSS;
    // openssl ecparam -name prime256v1 -genkey | openssl ec -pubout -param_enc explicit ...
    let explicit = EXPLICIT_CURVE;
    for (label, content, expected) in [
        ("PUBLIC KEY", der(ed25519), "is an Ed25519 key, which verifies no pod policy; make an"),
        ("PUBLIC KEY", der(p224), "is on another curve (P-224, for instance), which"),
        ("PUBLIC KEY", der(rsa1024), "is an RSA key of 1024 bits; make an ECDSA key on P-256"),
        ("PUBLIC KEY", der(pss), "is an RSA key for PSS alone"),
        ("PUBLIC KEY", der(explicit), "is on a curve without a name"),
        ("PUBLIC KEY", b"hello".to_vec(), "the content of the PEM block is no public key"),
        ("RSA PUBLIC KEY", der(ed25519), "the content of the PEM block is no RSA public key"),
        ("CERTIFICATE", der(ed25519), "the content of the PEM block is no certificate"),
        ("EC PRIVATE KEY", Vec::new(), "holds a private key, which no node needs"),
        ("PRIVATE KEY", Vec::new(), "holds a private key"),
        ("X\u{1b}[2J", Vec::new(), "begins with a PEM block X\\u{1b}[2J; give a CERTIFICATE"),
    ] {
        let refusal = TrustedKey::read(label, &content).unwrap_err().to_string();
        assert!(refusal.starts_with(expected), "{refusal}");
    }
}

#[test]
fn a_point_that_is_not_on_its_curve_is_refused() {
    let mut der = Signer::p256().public_der();
    *der.last_mut().unwrap() ^= 1;
    assert_eq!(TrustedKey::read("PUBLIC KEY", &der).unwrap_err(), KeyRefusal::NoKey);
}

#[test]
fn a_key_has_one_identifier_however_it_is_written() {
    let rsa = der(RSA_2048);
    let key = TrustedKey::read("PUBLIC KEY", &rsa).unwrap();
    // ... | openssl rsa -pubin -RSAPublicKey_out -outform DER | base64 -w0
    let bare = TrustedKey::read("RSA PUBLIC KEY", &der(RSA_2048_PKCS1)).unwrap();
    assert_eq!(key.id(), bare.id());
    // ... | sha256sum | cut -c1-16
    assert_eq!(key.id(), RSA_2048_ID);
}

const P224: &str = "\
    ME4wEAYHKoZIzj0CAQYFK4EEACEDOgAEPM7dttES34O0TPwq14VvJHzVB7jM68XOtEajj8DypiQkrQm9kx4W6Tdzji\
    HvVV6cwZvBEtx0Rak=";

const RSA_1024: &str = "\
    MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCl24aX/EBTmZQx2GWHAtHtJ/ApMzKb0dahHrZBI1Bk8teWy07ow7\
    xiWM7n52dfnUj4gQVTvLN/FCVYfloLBmOmhXTgvH6J+AOdVchRK1+zCRPuMzXh44gBYuSBifsr7hRr63XbtcFg/lmh\
    xzTBRbF190K5W08y8NQ9qGQjxsHd5QIDAQAB";

const RSA_PSS: &str = "\
    MIIBIDALBgkqhkiG9w0BAQoDggEPADCCAQoCggEBAMbFU2QJVLsBZi9Z/0GGAnkuEUOP3lXHEgajaj0xPLk6JRMVbk\
    iDAGz8KGA86WcXFlmaaJhIFHV6NksKgnD0R902bBXYkohM78ebK+u49Ete5BlbYgBcIsxlrUA6W2g9XbF2DS2Ne72S\
    W3m7ParQz9+3OdLo0wQiC4cHjACZYzUg3i3oaaqMgtm47rsXQyQUhLxkaejgWoPpzOmmDvqkcd8pEN3zZGDAHMoHbD\
    CKDiybZmvuXDDQreB0IWKP7V/nkhk3X/t8bPUEzau3pxxEzS5rtcl+OQPT+1EaSFJNbs7g7njCRQt5SVze2mAqw0bD\
    kXVdiVCl5uH0exkFJvdH8x0CAwEAAQ==";

const EXPLICIT_CURVE: &str = "\
    MIIBSzCCAQMGByqGSM49AgEwgfcCAQEwLAYHKoZIzj0BAQIhAP////8AAAABAAAAAAAAAAAAAAAA//////////////\
    //MFsEIP////8AAAABAAAAAAAAAAAAAAAA///////////////8BCBaxjXYqjqT57PrvVV2mIa8ZR0GsMxTsPY7zjw+\
    J9JgSwMVAMSdNgiG5wSTamZ44ROdJreBn36QBEEEaxfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpZP40Li/h\
    p/m47n60p8D54WK84zV2sxXs7LtkBoN79R9QIhAP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVRAgEBA0IA\
    BPpMzqpZM9cfHXfT619kCDPb+/XK0KYy6eY4YtKysN4Tz8GPKVVPlDbJwYc6hCNiFRjXQR+wazDv/pw8qrzm3+c=";

const RSA_2048: &str = "\
    MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA3cqIUw0yiA5GnxS4nCj3I6IRVrXkKg6Bsm+Dy/5cs7yBXT\
    AWqcbd9oSO0eSVnlRD+cqK6IiDarDYQ1VH5JyV9OMjDgjAzwh9MKXKUSomgPEENi/KOvT8v2hWy/07PP35lHdKcrkW\
    rcoNi3zLNOke/ZGEEYPpF9vnZ4KPOM/VW63q2vHUK8EJaYzmIBYmsTUwQBDZep85MVweQ5hjfaCXtX3XSoZAamvVjf\
    sIdXkYduXOEW+4EWJG8rswNi8OtoTGmYKRKZsyN+jKkefaR15fS9g/FIlwaq/el7M0xwcpmp3biKuD28/GSjKU6UQ3\
    8E5txQepmMTPgPNphktmwhq5GQIDAQAB";

const RSA_2048_PKCS1: &str = "\
    MIIBCgKCAQEA3cqIUw0yiA5GnxS4nCj3I6IRVrXkKg6Bsm+Dy/5cs7yBXTAWqcbd9oSO0eSVnlRD+cqK6IiDarDYQ1\
    VH5JyV9OMjDgjAzwh9MKXKUSomgPEENi/KOvT8v2hWy/07PP35lHdKcrkWrcoNi3zLNOke/ZGEEYPpF9vnZ4KPOM/V\
    W63q2vHUK8EJaYzmIBYmsTUwQBDZep85MVweQ5hjfaCXtX3XSoZAamvVjfsIdXkYduXOEW+4EWJG8rswNi8OtoTGmY\
    KRKZsyN+jKkefaR15fS9g/FIlwaq/el7M0xwcpmp3biKuD28/GSjKU6UQ38E5txQepmMTPgPNphktmwhq5GQIDAQAB";

const RSA_2048_ID: &str = "fe87c58360ca4779";

const P384: &str = "\
    MHYwEAYHKoZIzj0CAQYFK4EEACIDYgAE0ZOjhcVYA2f5bbru+bv6Iln6xoZ2pKYGKC4d8Y/FHC6UopTmyFoDA3Eu0P\
    dKfce0hgmHuqRFxJt4MkHQfqmx/8dohigOJWVhLm9vcDWVm3Bz5OL4Ee1mLfRInRMIkImi";

const P384_SIGNATURE: &str = "\
    MGUCMQDbOnaHiQu83V0wLjBz805nqk0xytqCW4rZqNBOyxgDPtaf2hBH6i3Eyf4oPlUSipUCMHPW+j/oeaOCe343pA\
    6MyWAY8UYA6F8t9YEpXAocJuB5UUJ5W/7H6OS5A1KjhGUoYw==";
