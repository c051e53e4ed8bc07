"""Several conversations with an echo server at a time. Arguments: port, clients."""

import asyncio
import sys


async def talk(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for word in ("one", "two"):
        writer.write(f"{word} {number}\n".encode())
        await writer.drain()
        print("answer", (await reader.readline()).decode().strip())
    writer.close()
    await writer.wait_closed()


async def main(port, clients):
    async with asyncio.TaskGroup() as group:
        for number in range(clients):
            group.create_task(talk(port, number))


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
