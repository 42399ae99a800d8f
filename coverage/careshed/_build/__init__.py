"""Steps of building a study area, for :mod:`careshed.build`."""
