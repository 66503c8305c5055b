using Vtpm.Engine.Commands.MonotonicCounters;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Commands.MonotonicCounters;

public class CounterTests
{
    [Fact]
    public void CreateCounter_Actions3And6To8_First_StartsAboveZeroWithItsLabel()
    {
        TestTpm tpm = Owned();
        CreateCounterResponse counter = tpm.CreateCounter(0x41424344);
        Assert.Equal(1u, counter.CounterValue.Counter);
        Assert.Equal(0x41424344u, counter.CounterValue.Label);
        Assert.Equal(0x41424344u, tpm.ReadCounter(counter.CountId).Label);
        Assert.Equal(TestTpm.CounterAuth, tpm.State.Permanent.Counters.Counters.Find(counter.CountId)!.Auth.Span.ToArray());
    }

    [Fact]
    public void CreateCounter_Action1_OiapSession_BadMode()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadMode, tpm.ResultOf(new CreateCounter(), default, tpm.AsOwner()));
    }

    [Fact]
    public void CreateCounter_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Owned();
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.WellKnown);
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new CreateCounter(), default, osap));
    }

    [Fact]
    public void CreateCounter_Action2_ContinueAsked_SessionEnds()
    {
        TestTpm tpm = Owned();
        TestAuth osap = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, TestTpm.OwnerAuth, goesOn: true);
        tpm.Send(new CreateCounter(), default, osap);
        Assert.False(osap.GoesOn);
    }

    [Fact]
    public void CreateCounter_Action4_NoRoom_Resources()
    {
        TestTpm tpm = Owned();
        uint limit = tpm.GetProperty(TpmCapabilityProperty.MaxCounters);
        Assert.True(limit >= 4);
        for (uint i = 0; i < limit; i++)
        {
            Assert.Equal(limit - i, tpm.GetProperty(TpmCapabilityProperty.Counters));
            tpm.CreateCounter();
        }

        Assert.Equal(TpmResult.Resources, tpm.TryCreateCounter(out _));
        Assert.Equal(2 + 4 * (int)limit, tpm.GetCapability(TpmCapability.Handle, (uint)TpmResourceType.Counter).Length);
    }

    [Fact]
    public void CreateCounter_Actions5And6_Another_StartsAboveEveryValueThereWas()
    {
        TestTpm tpm = Owned();
        uint first = tpm.CreateCounter().CountId;
        for (int i = 0; i < 5; i++) Assert.Equal(TpmResult.Success, tpm.IncrementCounter(first, out _));
        CreateCounterResponse second = tpm.CreateCounter();
        Assert.Equal(7u, second.CounterValue.Counter);
        Assert.Equal(6u, tpm.ReadCounter(first).Counter);
        tpm.Send(new ReleaseCounter(), new CounterRequest { CountId = second.CountId }, tpm.Oiap(TestTpm.CounterAuth));
        Assert.Equal(8u, tpm.CreateCounter().CounterValue.Counter);
    }

    [Fact]
    public void CreateCounter_ValuesAtTheirEnd_Resources()
    {
        TestTpm tpm = Owned();
        tpm.State = tpm.State with { Permanent = tpm.State.Permanent with { Counters = CounterTable.Of(uint.MaxValue, []) } };
        Assert.Equal(TpmResult.Resources, tpm.TryCreateCounter(out _));
    }

    [Fact]
    public void IncrementCounter_Action3_CountsEachForItself()
    {
        TestTpm tpm = Owned();
        uint first = tpm.CreateCounter().CountId;
        uint second = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(first, out uint count));
        Assert.Equal(2u, count);
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(first, out count));
        Assert.Equal(3u, count);
        Assert.Equal(3u, tpm.ReadCounter(first).Counter);
        Assert.Equal(2u, tpm.ReadCounter(second).Counter);
    }

    [Fact]
    public void IncrementCounter_Incremented_IsPartOfThePermanentState()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        PermanentState before = tpm.State.Permanent;
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(counter, out _));
        Assert.NotSame(before, tpm.State.Permanent);
        tpm.PowerCycle();
        Assert.Equal(2u, tpm.ReadCounter(counter).Counter);
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(counter, out uint count));
        Assert.Equal(3u, count);
    }

    [Fact]
    public void IncrementCounter_Action1a_NoCounter_BadCounter() => Assert.Equal(TpmResult.BadCounter, Owned().IncrementCounter(77, out _));

    [Fact]
    public void IncrementCounter_Action1b_WrongSecret_AuthFailAndNotChosen()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new IncrementCounter(), new CounterRequest { CountId = counter }, tpm.AsOwner()));
        Assert.Equal(0u, tpm.State.StClearData.CountId);
    }

    [Fact]
    public void IncrementCounter_Actions1cAnd2a_AnotherThanTheOneOfThisBoot_BadCounter()
    {
        TestTpm tpm = Owned();
        uint first = tpm.CreateCounter().CountId;
        uint second = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(first, out _));
        Assert.Equal(first, tpm.GetProperty(TpmCapabilityProperty.ActiveCounter));
        Assert.Equal(TpmResult.BadCounter, tpm.IncrementCounter(second, out _));
        tpm.PowerCycle();
        Assert.Equal(0xFFFFFFFFu, tpm.GetProperty(TpmCapabilityProperty.ActiveCounter));
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(second, out _));
    }

    [Fact]
    public void IncrementCounter_Action2b_WrongSecretForTheOneOfThisBoot_AuthFail()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(counter, out _));
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new IncrementCounter(), new CounterRequest { CountId = counter }, tpm.AsOwner()));
        Assert.Equal(2u, tpm.ReadCounter(counter).Counter);
    }

    [Fact]
    public void IncrementCounter_AtTheEnd_BadCounterAndNeverZero()
    {
        TestTpm tpm = Owned();
        tpm.State = tpm.State with
        {
            Permanent = tpm.State.Permanent with
            {
                Counters = CounterTable.Of(0, [new MonotonicCounter(6, 1, uint.MaxValue - 1, new Secret(TestTpm.CounterAuth))]),
            },
        };
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(6, out uint count));
        Assert.Equal(uint.MaxValue, count);
        Assert.Equal(TpmResult.BadCounter, tpm.IncrementCounter(6, out _));
        Assert.Equal(uint.MaxValue, tpm.ReadCounter(6).Counter);
    }

    [Fact]
    public void IncrementCounter_OsapSessionForTheCounter_Authorizes()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        TestAuth osap = tpm.Osap(TpmEntityType.Counter, counter, TestTpm.CounterAuth, goesOn: true);
        Assert.Equal(2u, tpm.Send(new IncrementCounter(), new CounterRequest { CountId = counter }, osap).Count.Counter);
        Assert.Equal(3u, tpm.Send(new IncrementCounter(), new CounterRequest { CountId = counter }, osap).Count.Counter);
    }

    [Fact]
    public void IncrementCounter_OsapSessionSavedAndLoaded_Authorizes()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        TestAuth osap = tpm.Osap(TpmEntityType.Counter, counter, TestTpm.CounterAuth);
        var request = new SaveContextRequest { Handle = osap.Handle, ResourceType = TpmResourceType.Auth, Label = new byte[16] };
        ReadOnlyMemory<byte> blob = tpm.Send(new SaveContext(), request).ContextBlob;
        Assert.Equal(TpmResult.InvalidAuthHandle, tpm.ResultOf(new IncrementCounter(), new CounterRequest { CountId = counter }, osap));
        Assert.Equal(osap.Handle, tpm.Send(new LoadContext(), new LoadContextRequest { KeepHandle = true, ContextBlob = blob }).Handle);
        Assert.Equal(2u, tpm.Send(new IncrementCounter(), new CounterRequest { CountId = counter }, osap).Count.Counter);
    }

    [Fact]
    public void ReadCounter_Action2_AnyCounter_AnswersItsValueAndLabel()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter(0x41424344).CountId;
        tpm.IncrementCounter(counter, out _);
        Assert.Equal(new TpmCounterValue { Label = 0x41424344, Counter = 2 }, tpm.ReadCounter(counter));
    }

    [Fact]
    public void ReadCounter_Action1_NoCounter_BadCounter() =>
        Assert.Equal(TpmResult.BadCounter, new TestTpm().ResultOf(new ReadCounter(), new CounterRequest { CountId = 1 }));

    [Fact]
    public void ReleaseCounter_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ReleaseCounter(), new CounterRequest { CountId = counter }, tpm.AsOwner()));
        Assert.Equal(1u, tpm.ReadCounter(counter).Counter);
    }

    [Fact]
    public void ReleaseCounter_Actions2To4_IsGoneWithItsSessionsAndItsPlace() =>
        AssertReleases((tpm, request) => tpm.Send(new ReleaseCounter(), request, tpm.Oiap(TestTpm.CounterAuth)));

    [Fact]
    public void ReleaseCounterOwner_Actions3To5_IsGoneWithItsSessionsAndItsPlace() =>
        AssertReleases((tpm, request) => tpm.Send(new ReleaseCounterOwner(), request, tpm.AsOwner()));

    private static void AssertReleases(Action<TestTpm, CounterRequest> release)
    {
        TestTpm tpm = Owned();
        uint released = tpm.CreateCounter().CountId;
        uint other = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(released, out _));
        TestAuth osap = tpm.Osap(TpmEntityType.Counter, released, TestTpm.CounterAuth);
        var request = new CounterRequest { CountId = released };
        release(tpm, request);
        Assert.Null(tpm.State.Sessions.Find(osap.Handle));
        Assert.Equal(TpmResult.BadCounter, tpm.ResultOf(new ReadCounter(), request));
        Assert.Equal(TpmResult.BadCounter, tpm.IncrementCounter(other, out _));
        Assert.Equal(0xFFFFFFFFu, tpm.GetProperty(TpmCapabilityProperty.ActiveCounter));
        tpm.PowerCycle();
        Assert.Equal(TpmResult.Success, tpm.IncrementCounter(other, out _));
    }

    [Fact]
    public void ReleaseCounterOwner_Action1_WrongSecret_AuthFail()
    {
        TestTpm tpm = Owned();
        uint counter = tpm.CreateCounter().CountId;
        Assert.Equal(TpmResult.AuthFail, tpm.ResultOf(new ReleaseCounterOwner(), new CounterRequest { CountId = counter }, tpm.Oiap(TestTpm.CounterAuth)));
    }

    [Fact]
    public void ReleaseCounterOwner_Action2_NoCounter_BadCounter()
    {
        TestTpm tpm = Owned();
        Assert.Equal(TpmResult.BadCounter, tpm.ResultOf(new ReleaseCounterOwner(), new CounterRequest { CountId = 5 }, tpm.AsOwner()));
    }

    [Fact]
    public void ReleaseAll_KeepsTheHighestValue()
    {
        CounterTable table = CounterTable.Empty.Create(1, 0, new Secret(TestTpm.CounterAuth), out MonotonicCounter counter);
        table = table.Increment(ref counter).ReleaseAll();
        Assert.Equal(0, table.Counters.Count);
        Assert.Equal(2u, table.MaxValue);
        Assert.Same(table, table.ReleaseAll());
    }

    private static TestTpm Owned()
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return tpm;
    }
}
