# A pod that the policy denies has no container at any time, and says in its status and an Event why.
{promise, ...}: promise {promises = ["refused-pod-never-starts"];}
