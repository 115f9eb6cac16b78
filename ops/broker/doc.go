// Package broker runs a NATS server with JetStream inside this process, for the demo and for tests.
//
// It does not listen unless it is asked to, and then on the loopback address alone, at a port the system chooses. Connections made inside the process
// need no port: pass InProcess to the bus.
//
// Promised: Restart keeps the store directory and the port, so that clients which reconnect find their streams again. Stop removes a directory that Start
// made itself. JetStream does not sync each message to the disk: this broker carries what its users hold durably elsewhere.
//
// Not checked: whether another process uses the same store directory; give each broker its own. Without users in the options any process of this machine
// can talk to a broker that listens, and any code of this process to every broker. Nobody may trust what comes from it, here as in production.
package broker
