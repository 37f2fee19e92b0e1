"""The routes, a file for each resource."""

from nevus.serving.routes.batch import router as batch
from nevus.serving.routes.diagnoses import router as diagnoses
from nevus.serving.routes.inference_v2 import router as inference_v2
from nevus.serving.routes.labels import router as labels
from nevus.serving.routes.listing import router as listing
from nevus.serving.routes.me import router as me
from nevus.serving.routes.model_changes import router as model_changes
from nevus.serving.routes.models import router as models
from nevus.serving.routes.operations import router as operations
from nevus.serving.routes.overview import router as overview
from nevus.serving.routes.pictures import router as pictures
from nevus.serving.routes.predictions import FAST_ROUTES
from nevus.serving.routes.predictions import router as predictions
from nevus.serving.routes.rollout import router as rollout
from nevus.serving.routes.samples import router as samples
from nevus.serving.routes.similar import router as similar
from nevus.serving.routes.worklist import router as worklist

ROUTERS = (
    predictions,
    batch,
    listing,
    similar,
    pictures,
    labels,
    samples,
    worklist,
    models,
    model_changes,
    rollout,
    inference_v2,
    overview,
    diagnoses,
    me,
    operations,
)

__all__ = ["FAST_ROUTES", "ROUTERS"]
