"""Around the publish: the solver's layer, versions and what they follow from, notices of holidays."""
