"""Operations on the node, its profile and its configuration."""

from __future__ import annotations

from typing import Final

from netnode.operations import models
from netnode.operations.operation import Operation
from netnode.operations.services import Services


async def _status(services: Services, request: models.Nothing) -> models.Status:
    return await services.node.status()


async def _stop(services: Services, request: models.Nothing) -> models.Done:
    await services.node.stop()
    return models.Done()


async def _profile(services: Services, request: models.Nothing) -> models.Profile:
    return await services.identity.profile()


async def _edit_profile(services: Services, request: models.ProfileEdit) -> models.Profile:
    return await services.identity.edit_profile(request)


async def _settings(services: Services, request: models.Listed) -> models.Page[models.Setting]:
    return await services.config.list(request)


async def _setting(services: Services, request: models.SettingName) -> models.Setting:
    return await services.config.get(request.name)


async def _set(services: Services, request: models.SettingChange) -> models.Setting:
    return await services.config.set(request.name, request.value)


STATUS: Final = Operation(
    "status", "GET", "/status", "State of the node", models.Nothing, models.Status, _status
)
STOP: Final = Operation("stop", "POST", "/stop", "End the running node", models.Nothing, models.Done, _stop)
PROFILE: Final = Operation(
    "profile.show", "GET", "/profile", "The own profile", models.Nothing, models.Profile, _profile
)
PROFILE_EDIT: Final = Operation(
    "profile.edit",
    "POST",
    "/profile/edit",
    "Change name or bio",
    models.ProfileEdit,
    models.Profile,
    _edit_profile,
    signs=True,
)
CONFIG: Final = Operation(
    "config.list",
    "GET",
    "/config",
    "All settings",
    models.Listed,
    models.Page[models.Setting],
    _settings,
    page=True,
)
CONFIG_GET: Final = Operation(
    "config.get", "GET", "/config/get", "One setting", models.SettingName, models.Setting, _setting
)
CONFIG_SET: Final = Operation(
    "config.set", "POST", "/config/set", "Change a setting", models.SettingChange, models.Setting, _set
)
OPERATIONS: Final = (STATUS, STOP, PROFILE, PROFILE_EDIT, CONFIG, CONFIG_GET, CONFIG_SET)
