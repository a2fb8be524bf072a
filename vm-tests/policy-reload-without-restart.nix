# Another policy counts at once, also for what runs, in the same process.
{promise, ...}: promise {promises = ["policy-reload-stops-denied-pod"];}
