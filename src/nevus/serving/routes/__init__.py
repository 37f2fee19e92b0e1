"""The routes, a file for each resource."""

from nevus.serving.routes.me import router as me
from nevus.serving.routes.operations import router as operations
from nevus.serving.routes.pictures import router as pictures
from nevus.serving.routes.predictions import FAST_ROUTES
from nevus.serving.routes.predictions import router as predictions

ROUTERS = (predictions, pictures, me, operations)

__all__ = ["FAST_ROUTES", "ROUTERS"]
