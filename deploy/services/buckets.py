"""Step ``bootstrap-buckets``: the buckets, private, with the CORS rule a browser's upload needs."""

from functools import partial

from deploy.context import Context
from deploy.s3_request import S3RequestError, request
from deploy.services.s3 import LAKE, MEDIA, SOURCE, endpoint, identity
from deploy.supervisor.service import RunCommand, Step, StepFailedError

_CORS = """<CORSConfiguration><CORSRule>
<AllowedOrigin>{origin}</AllowedOrigin><AllowedOrigin>{localhost}</AllowedOrigin>
<AllowedMethod>PUT</AllowedMethod><AllowedHeader>*</AllowedHeader>
<ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>3600</MaxAgeSeconds>
</CORSRule></CORSConfiguration>"""


def step(context: Context) -> Step:
    return Step("bootstrap-buckets", partial(_bootstrap, context), needs=("s3",))


async def _bootstrap(context: Context, _run: RunCommand) -> None:
    admin, address = identity(context, "admin"), endpoint(context)
    port = context.ports.api
    cors = _CORS.format(origin=f"http://127.0.0.1:{port}", localhost=f"http://localhost:{port}")
    try:
        for bucket in (SOURCE, MEDIA, LAKE):
            await request(address, admin, "PUT", f"/{bucket}", accept=(200, 409))
        await request(address, admin, "PUT", f"/{SOURCE}?cors", body=cors.encode())
    except S3RequestError as error:
        raise StepFailedError(str(error)) from error
