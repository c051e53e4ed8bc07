"""An echo server on asyncio streams that ends after its clients have gone. Arguments: port, clients."""

import asyncio
import sys


async def main(port, clients):
    gone = asyncio.Semaphore(0)

    async def serve(reader, writer):
        while line := await reader.readline():
            print("got", line.decode().strip())
            writer.write(line.upper())
            await writer.drain()
        writer.close()
        await writer.wait_closed()
        gone.release()

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    async with server:
        for _ in range(clients):
            await gone.acquire()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
print("served")
