"""The tree of places: any number of levels, any kind of site."""
