"""The routes, a file for each resource."""

from nevus.serving.routes.inference_v2 import router as inference_v2
from nevus.serving.routes.me import router as me
from nevus.serving.routes.models import router as models
from nevus.serving.routes.operations import router as operations
from nevus.serving.routes.pictures import router as pictures
from nevus.serving.routes.predictions import FAST_ROUTES
from nevus.serving.routes.predictions import router as predictions
from nevus.serving.routes.rollout import router as rollout

ROUTERS = (predictions, pictures, models, rollout, inference_v2, me, operations)

__all__ = ["FAST_ROUTES", "ROUTERS"]
