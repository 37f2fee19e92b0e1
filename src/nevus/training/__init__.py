"""Training: networks, losses, the loop, tuning and the export to a bundle. The only place with torch.

Nothing is imported here, so that reading the settings doesn't load torch: `nevus.training.importing.import_checkpoint`
and the others are imported from their modules.
"""
