"""Each flow is one small module that reads like its story; :mod:`..service` is their public face."""
