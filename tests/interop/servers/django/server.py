"""A Django project in one file, with djangorestframework-simplejwt as its documentation sets it up.

    python server.py SCHEME ACCESS_SECONDS

reads the password of its only user, one line, listens on a free port of localhost, and prints it; then prints every
request, a JSON object a line. What it issues and is sent is noted for the search of tests/secrets.
`/api/token/…` is plain simplejwt; `/api/user/…` has the paths, names and errors of Baserow's user API.
"""

import importlib.util
import json
import os
import sys
import tempfile
import threading
from datetime import timedelta
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import django
from django.conf import settings

SCHEME, ACCESS_SECONDS = sys.argv[1], int(sys.argv[2])
PASSWORD = sys.stdin.readline().strip()
HOME = tempfile.TemporaryDirectory(prefix="tokenwell-django-")

settings.configure(
    DEBUG=False,
    SECRET_KEY="a key for tests, and long enough for HS256",
    ALLOWED_HOSTS=["localhost"],
    ROOT_URLCONF=__name__,
    USE_TZ=True,
    APPEND_SLASH=True,
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "rest_framework",
        "rest_framework_simplejwt.token_blacklist",
    ],
    MIDDLEWARE=[f"{__name__}.watch", f"{__name__}.cors", "django.middleware.common.CommonMiddleware"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": os.path.join(HOME.name, "db.sqlite3"),
            "OPTIONS": {"timeout": 20, "transaction_mode": "IMMEDIATE"},
        }
    },
    # Tables straight from the models: no migration takes its time.
    MIGRATION_MODULES={"auth": None, "contenttypes": None, "token_blacklist": None},
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    REST_FRAMEWORK={
        "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
        "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    },
    SIMPLE_JWT={
        "ACCESS_TOKEN_LIFETIME": timedelta(seconds=ACCESS_SECONDS),
        "REFRESH_TOKEN_LIFETIME": timedelta(days=7),
        "ROTATE_REFRESH_TOKENS": True,
        "BLACKLIST_AFTER_ROTATION": True,
        "AUTH_HEADER_TYPES": (SCHEME,),
    },
)
django.setup()

from django.contrib.auth import authenticate, get_user_model  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.http import HttpResponse  # noqa: E402
from django.urls import path  # noqa: E402
from rest_framework.permissions import AllowAny, IsAuthenticated  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402
from rest_framework_simplejwt.exceptions import TokenError  # noqa: E402
from rest_framework_simplejwt.tokens import RefreshToken  # noqa: E402
from rest_framework_simplejwt.views import (  # noqa: E402
    TokenBlacklistView,
    TokenObtainPairView,
    TokenRefreshView,
)


def load_register():
    """By its path: isolated mode finds no file beside this one, nor anywhere else."""
    sys.dont_write_bytecode = True
    path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../secrets/register.py")
    spec = importlib.util.spec_from_file_location("register", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


register = load_register()


def watch(get_response):
    def middleware(request):
        body = request.body.decode()
        register.body(body)
        register.authorization(request.headers.get("Authorization"))
        register.cookie(request.headers.get("Cookie"))
        response = get_response(request)
        register.body(response.content.decode())
        for morsel in response.cookies.values():
            register.note(morsel.value)
        noted = {
            "method": request.method,
            "path": request.get_full_path(),
            "headers": {name.lower(): value for name, value in request.headers.items()},
            "body": body,
            "status": response.status_code,
        }
        print(json.dumps(noted), flush=True)
        return response

    return middleware


def cors(get_response):
    """As django-cors-headers answers with CORS_ALLOW_ALL_ORIGINS: no credentials, and no challenge exposed."""

    def middleware(request):
        response = HttpResponse() if request.method == "OPTIONS" else get_response(request)
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Allow-Headers"] = "accept, authorization, content-type, x-requested-with"
        response["Access-Control-Allow-Methods"] = "DELETE, GET, OPTIONS, PATCH, POST, PUT"
        return response

    return middleware


class Me(APIView):
    permission_classes = [IsAuthenticated]

    def get(self, request):
        return Response({"username": request.user.username})


class BaserowView(APIView):
    """Baserow's user API, which is its own code on top of simplejwt."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def refused(self):
        answer = {"error": "ERROR_INVALID_REFRESH_TOKEN", "detail": "Refresh token is expired or invalid."}
        return Response(answer, status=401)

    def granted(self, user, access, refresh=None):
        answer = {"token": str(access), "access_token": str(access), "user": {"username": user.username}}
        if refresh is not None:
            answer["refresh_token"] = str(refresh)
        return Response(answer)

    def presented(self, request):
        return RefreshToken(request.data.get("refresh_token", ""))


class BaserowTokenAuth(BaserowView):
    def post(self, request):
        user = authenticate(username=request.data.get("email"), password=request.data.get("password"))
        if user is None:
            answer = {"error": "ERROR_INVALID_CREDENTIALS", "detail": "The credentials are not valid."}
            return Response(answer, status=401)
        refresh = RefreshToken.for_user(user)
        return self.granted(user, refresh.access_token, refresh)


class BaserowTokenRefresh(BaserowView):
    def post(self, request):
        try:
            refresh = self.presented(request)
        except TokenError:
            return self.refused()
        user = get_user_model().objects.get(id=refresh["user_id"])
        return self.granted(user, refresh.access_token)


class BaserowTokenBlacklist(BaserowView):
    def post(self, request):
        try:
            self.presented(request).blacklist()
        except TokenError:
            return self.refused()
        return Response(status=204)


urlpatterns = [
    path("api/token/", TokenObtainPairView.as_view()),
    path("api/token/refresh/", TokenRefreshView.as_view()),
    path("api/token/blacklist/", TokenBlacklistView.as_view()),
    path("api/user/token-auth/", BaserowTokenAuth.as_view()),
    path("api/user/token-refresh/", BaserowTokenRefresh.as_view()),
    path("api/user/token-blacklist/", BaserowTokenBlacklist.as_view()),
    path("api/me/", Me.as_view()),
]


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


call_command("migrate", run_syncdb=True, verbosity=0)
get_user_model().objects.create_user(username="ada@example.com", password=PASSWORD)
server = make_server("127.0.0.1", 0, get_wsgi_application(), server_class=Server, handler_class=Quiet)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
sys.stdin.read()  # Ends when the test does, however that ends.
server.shutdown()
