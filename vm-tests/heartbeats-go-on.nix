# The node stays Ready however busy its watches are.
{promise, ...}: promise {promises = ["heartbeats-go-on"];}
