"""The pytest plugin: small samplegen datasets as fixtures. Nothing heavy is imported until one is used."""
