import asyncio, pytest, time
from tests.via import test_revocation as R
import store.database as D
pytestmark = pytest.mark.asyncio(loop_scope="module")
T=[]; L=[]; V=[]
o=D._truncate_log
def tl(c,t):
    a=time.perf_counter(); r=o(c,t); T.append(time.perf_counter()-a); return r
D._truncate_log=tl
ov=D.Store.version
def ver(self):
    a=time.perf_counter(); r=ov(self); V.append(time.perf_counter()-a); return r
D.Store.version=ver
oc=D._Lane._carry_out
def co(self):
    a=time.perf_counter(); oc(self); L.append(("W" if self._turn is not None else "R", time.perf_counter()-a))
D._Lane._carry_out=co
@pytest.mark.parametrize("n", range(200))
async def test_p(n, house, ada, key, tool):
    assert await R.status(house, tool) == 200
    await ada.remove_key(key)
    await asyncio.sleep(0.06)
    assert await R.status(house, tool) == 404
    if n==199:
        f=lambda x:[round(i*1000,1) for i in sorted(x)[-4:]]
        print("ms: truncate", f(T), "version", f(V), "read", f(x for k,x in L if k=="R"), "write", f(x for k,x in L if k=="W"))
        assert 0
