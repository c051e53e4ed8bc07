"""An echo server with asyncio. It ends when its client has left."""

import asyncio


async def serve(reader, writer):
    while data := await reader.read(1024):
        writer.write(data)
        await writer.drain()
    writer.close()
    gone.set()


async def main():
    global gone
    gone = asyncio.Event()
    await asyncio.start_server(serve, "127.0.0.1", 8000)
    await gone.wait()


asyncio.run(main())
