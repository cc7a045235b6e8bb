import asyncio, pytest
from tests.via import test_revocation as R
from keysteward.demo.fake_provider import Gate
import logging
pytestmark = pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("n", range(150))
async def test_p(n, house, ada, bob, key, tool):
    where="begin"
    try:
      async with asyncio.timeout(6):
        other = await ada.add_key(label="other"); await bob.add_key(); bobs = await bob.make_tool()
        house.fake.gate = gate = Gate(after=2)
        going = [asyncio.ensure_future(R.streamed(house, tool, **{"keysteward-key": other.id})), asyncio.ensure_future(R.streamed(house, bobs))]
        ending = [asyncio.ensure_future(R.streamed(house, tool)) for _ in range(10)]
        where="reached"
        await gate.reached(12)
        where="remove"
        await ada.remove_key(key)
        where="ending"
        await asyncio.gather(*ending)
        where="disc"
        await house.fake.disconnected(10)
        assert len(house.live) == 2
        gate.release()
        where="going"
        await asyncio.gather(*going)
        where="ledger"
        await ada.calls_ended(11)
    except TimeoutError:
        rows = await ada.calls()
        print("HANG at", where, gate.held, [t.done() for t in ending],[t.done() for t in going], len(house.live), house.fake.open_streams, len(house.fake.departures), [(r.outcome, r.status, r.bytes_out) for r in rows])
        print([str(t.get_coro())[:90] for t in asyncio.all_tasks()])
        print(house.live._gone, len(house.live), getattr(house.live,'hears',None))
        ev = await house.store.read(lambda tx: tx.all("select position, kind, key from changes order by position desc limit 4"))
        print(ev)
        raise
