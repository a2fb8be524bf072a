//! What is said about command lines that are clear but unsafe or contradictory.
//!
//! Each line names the flag and both remedies: the safe one first, then the flag that accepts the
//! risk in words that say what the risk is.

pub(super) const MISSING_TLS: &str = "--tls-cert and --tls-key are missing: give both, or accept \
    that tokens and Secrets can be read on the way with --allow-plaintext";

pub(super) const MISSING_KEY: &str =
    "--tls-key is missing: --tls-cert needs the key that belongs to it";

pub(super) const MISSING_CERTIFICATE: &str =
    "--tls-cert is missing: --tls-key needs the certificate that belongs to it";

pub(super) const PLAINTEXT_WITH_TLS: &str =
    "--allow-plaintext contradicts --tls-cert and --tls-key: leave out the one or the others";

pub(super) const MISSING_CLIENT_CA: &str = "--client-ca is missing: give the CA that signs the \
    kubelet's certificate, or accept that any local process gets this node's rights with \
    --allow-any-client";

pub(super) const ANY_CLIENT_WITH_CA: &str =
    "--allow-any-client contradicts --client-ca: leave out one of them";

pub(super) const NAME_WITHOUT_CA: &str =
    "--client-name means nothing without --client-ca: give the CA, or leave the name out";

pub(super) const CLIENT_CA_WITHOUT_TLS: &str = "--client-ca contradicts --allow-plaintext: \
    certificates can be checked over TLS alone, so leave out one of them";

pub(super) const MISSING_POLICY: &str = "--admission-policy is missing: give the policy that pods \
    must satisfy, or with --policy-verification-cert whose signatures count, or admit every \
    well-formed pod with --allow-all-pods";

pub(super) const ALL_PODS_WITH_POLICY: &str =
    "--allow-all-pods contradicts --admission-policy and --policy-verification-cert: leave it out";

pub(super) const IMMUTABLE_WITHOUT_POLICY: &str =
    "--immutable-policy means nothing with --allow-all-pods: give a policy, or leave it out";

pub(super) const EMPTY_KUBECONFIG: &str =
    "--kubeconfig is empty: name the kubeconfig for the API server";

pub(super) const TOO_LITTLE_MEMORY: &str =
    "--max-body-memory is too small to hold a list of pods: give at least 1Mi";

pub(super) const MISSING_GUARD_FLAGS: &str = "missing: the guard of --kubelet-api-listen needs a \
    certificate to show, callers to expect, and the kubelet with a certificate for it; give all";

pub(super) const GUARD_FLAGS_WITHOUT_LISTENER: &str = "flags of the guard mean nothing without \
    --kubelet-api-listen: give the address where the API server connects, or leave them out";

pub(super) const DENY_WITH_GUARD: &str = "--deny-kubelet-api contradicts --kubelet-api-listen: the \
    guard lets through what the policy permits, so leave out one of them";

pub(super) const GUARD_UPSTREAM_NOT_LOCAL: &str = "--kubelet-api-upstream is not on loopback: \
    have the kubelet listen on 127.0.0.1 (its setting 'address'), or everybody goes round the guard";
