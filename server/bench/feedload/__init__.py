"""The load of `bench feeds`: readers in a process of their own, a coordinator who publishes meanwhile, and Radicale as the peer."""
