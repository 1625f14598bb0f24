"""The stand-in's own process. It runs in the environment of bqemulator, never in that of the tests."""

import faulthandler
import logging
import warnings

import structlog

faulthandler.enable()  # should the engine itself crash, its stack is told
warnings.filterwarnings("ignore", message="Arrow output on a DB-API result makes an extra copy")
logging.getLogger("uvicorn").setLevel(logging.CRITICAL)
structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
