//! Fields of a pod that the view leaves out, each group with its reason.
//!
//! `tests/pod_view_matches_go.rs` fails for a field of the schema that is neither here nor in the
//! view, and for one that is in both: a new field waits for somebody's decision.

/// Paths whose field is left out with all that is below it. `<container>` stands for an entry of
/// each of the three lists.
pub const PLACE_AND_TIME: &[&str] = &[
    // Which node, and before or after whom.
    "spec.nodeSelector",
    "spec.affinity",
    "spec.tolerations",
    "spec.topologySpreadConstraints",
    "spec.schedulerName",
    "spec.schedulingGates",
    "spec.schedulingGroup",
    "spec.workloadRef",
    "spec.priorityClassName",
    "spec.priority",
    "spec.preemptionPolicy",
    "spec.evictionResponders",
    "spec.overhead",
    // When it counts as ready, how long it runs, how it ends and starts again.
    "spec.readinessGates",
    "spec.restartPolicy",
    "spec.activeDeadlineSeconds",
    "spec.terminationGracePeriodSeconds",
    "<container>.resizePolicy",
    "<container>.livenessProbe.initialDelaySeconds",
    "<container>.livenessProbe.timeoutSeconds",
    "<container>.livenessProbe.periodSeconds",
    "<container>.livenessProbe.successThreshold",
    "<container>.livenessProbe.failureThreshold",
    "<container>.livenessProbe.terminationGracePeriodSeconds",
    "<container>.readinessProbe.initialDelaySeconds",
    "<container>.readinessProbe.timeoutSeconds",
    "<container>.readinessProbe.periodSeconds",
    "<container>.readinessProbe.successThreshold",
    "<container>.readinessProbe.failureThreshold",
    "<container>.readinessProbe.terminationGracePeriodSeconds",
    "<container>.startupProbe.initialDelaySeconds",
    "<container>.startupProbe.timeoutSeconds",
    "<container>.startupProbe.periodSeconds",
    "<container>.startupProbe.successThreshold",
    "<container>.startupProbe.failureThreshold",
    "<container>.startupProbe.terminationGracePeriodSeconds",
    // When to ask a registry again. What may run is pinned by the reference.
    "<container>.imagePullPolicy",
    "spec.volumes[*].image.pullPolicy",
    // Where the kubelet finds the text of a termination that it reports.
    "<container>.terminationMessagePolicy",
    // Written by older API servers as null, by nobody as a time.
    "spec.volumes[*].ephemeral.volumeClaimTemplate.metadata.creationTimestamp",
    // Describes: the API server's and the kubelet's own notes.
    "kind",
    "apiVersion",
    "status",
    "metadata.generateName",
    "metadata.selfLink",
    "metadata.resourceVersion",
    "metadata.generation",
    "metadata.creationTimestamp",
    "metadata.deletionTimestamp",
    "metadata.deletionGracePeriodSeconds",
    "metadata.finalizers",
    "metadata.managedFields",
    "metadata.ownerReferences[*].apiVersion",
    "metadata.ownerReferences[*].blockOwnerDeletion",
];

/// In-tree volumes, whose fields the view holds as they are written, without types of their own.
pub const KEPT_AS_WRITTEN: &[&str] = &[
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "gitRepo",
    "nfs",
    "iscsi",
    "glusterfs",
    "rbd",
    "flexVolume",
    "cinder",
    "cephfs",
    "flocker",
    "fc",
    "azureFile",
    "vsphereVolume",
    "quobyte",
    "azureDisk",
    "photonPersistentDisk",
    "portworxVolume",
    "scaleIO",
    "storageos",
];
