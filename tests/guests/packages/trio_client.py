"""Three conversations with trio's echo server at a time."""

import trio


async def talk(number):
    async with await trio.open_tcp_stream("127.0.0.1", 8000) as stream:
        await stream.send_all(f"hello {number}".encode())
        print(await stream.receive_some(100))


async def main():
    await trio.sleep(0.5)
    async with trio.open_nursery() as nursery:
        for number in range(3):
            nursery.start_soon(talk, number)


trio.run(main)
