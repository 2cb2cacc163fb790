"""Who somebody is and what they may do: tokens, passwords, the policy table, and the only way to obtain an object."""
