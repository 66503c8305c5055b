using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Cryptography;
using Vtpm.Engine.Commands.Delegation;
using Vtpm.Engine.Commands.Eviction;
using Vtpm.Engine.Commands.NonVolatileStorage;
using Vtpm.Engine.Commands.SessionManagement;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>Each limited resource, driven to its limit: what fits is what TPM_GetCapability has said, before and at every step (Part 2 §21.2).</summary>
public class LimitTests
{
    private readonly TestTpm _tpm = new();

    public LimitTests() => _tpm.TakeOwnership();

    [Fact]
    public void Keys_AsManyAsReported_FitIntoSlots()
    {
        TpmKey key = _tpm.Wrap(TpmKeyUsage.Signing, TestTpm.KeyAuth);
        UseUp(
            TpmCapabilityProperty.MaxKeys,
            TpmCapabilityProperty.Keys,
            () => _tpm.ResultOf(new LoadKey2(), new LoadKey2Request { ParentHandle = TpmKeyHandle.Srk, InKey = key }, _tpm.Oiap(TestTpm.WellKnown)),
            TpmResult.NoSpace);
        byte[] parms = WireFormat.ToBytes(key.AlgorithmParms);
        Assert.Equal([0], _tpm.GetCapability(TpmCapability.CheckLoaded, parms));
        Flush(_tpm.State.Keys.Items[0].Handle, TpmResourceType.Key);
        Assert.Equal(1u, _tpm.GetProperty(TpmCapabilityProperty.Keys));
        Assert.Equal([1], _tpm.GetCapability(TpmCapability.CheckLoaded, parms));
    }

    /// <summary>Keys that the owner has pinned take slots for good, and leave two for everybody else.</summary>
    [Fact]
    public void OwnerEvictKeys_AsManyAsFit_TakeSlotsOverPowerCycles()
    {
        const uint free = 2;
        uint max = _tpm.GetProperty(TpmCapabilityProperty.MaxKeys);
        for (uint pinned = 1; pinned <= max - free; pinned++)
        {
            Assert.Equal(TpmResult.Success, Pin(_tpm.LoadWrapped(TpmKeyUsage.Signing)));
            _tpm.PowerCycle();
            Assert.Equal(max - pinned, _tpm.GetProperty(TpmCapabilityProperty.Keys));
        }

        Assert.Equal(TpmResult.NoSpace, Pin(_tpm.LoadWrapped(TpmKeyUsage.Signing)));
        Assert.Equal(free - 1, _tpm.GetProperty(TpmCapabilityProperty.Keys));

        TpmResult Pin(uint handle)
        {
            TpmPubKey pubKey = _tpm.State.Keys.Find(handle)!.Key.ToPubKey();
            var pin = new KeyControlOwnerRequest { KeyHandle = handle, PubKey = pubKey, BitName = TpmKeyControl.OwnerEvict, BitValue = true };
            return _tpm.ResultOf(new KeyControlOwner(), pin, _tpm.AsOwner());
        }
    }

    [Fact]
    public void AuthSessions_AsManyAsReported_AreOpen()
    {
        uint sessions = _tpm.GetProperty(TpmCapabilityProperty.Sessions);
        uint max = _tpm.GetProperty(TpmCapabilityProperty.MaxAuthSess);
        UseUp(TpmCapabilityProperty.MaxAuthSess, TpmCapabilityProperty.AuthSess, () => _tpm.ResultOf(new Oiap(), default), TpmResult.Resources);
        Assert.Equal(sessions - max, _tpm.GetProperty(TpmCapabilityProperty.Sessions));
        var osap = new OsapRequest { EntityType = TpmEntityType.Owner, EntityValue = TpmKeyHandle.Owner };
        Assert.Equal(TpmResult.Resources, _tpm.ResultOf(new Osap(), osap));
        Flush(_tpm.State.Sessions.Items[0].Handle, TpmResourceType.Auth);
        Assert.Equal(1u, _tpm.GetProperty(TpmCapabilityProperty.AuthSess));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Osap(), osap));
    }

    /// <summary>Two pools: of sessions there can be as many as the sum.</summary>
    [Fact]
    public void TransportSessions_AsManyAsReported_AreOpenBesideTheOthers()
    {
        EstablishTransportRequest establish = _tpm.TransportRequest(TestTpm.Transport(default), TpmKeyHandle.Transport);
        while (_tpm.ResultOf(new Oiap(), default) == TpmResult.Success)
        {
            // until there are no more
        }

        Assert.Equal(_tpm.GetProperty(TpmCapabilityProperty.MaxTransSess), _tpm.GetProperty(TpmCapabilityProperty.Sessions));
        UseUp(
            TpmCapabilityProperty.MaxTransSess,
            TpmCapabilityProperty.TransSess,
            () => _tpm.ResultOf(new EstablishTransport(), establish),
            TpmResult.Resources);
        Assert.Equal(0u, _tpm.GetProperty(TpmCapabilityProperty.Sessions));
        Assert.Equal(
            (uint)(_tpm.State.Sessions.Count + _tpm.State.Transports.Count),
            _tpm.GetProperty(TpmCapabilityProperty.MaxSessions));
    }

    [Fact]
    public void DaaSessions_AsManyAsReported_AreOpen()
    {
        (byte[] inputData0, byte[] inputData1) = DaaInput.Join(0, _tpm.EndorsementKey);
        UseUp(
            TpmCapabilityProperty.MaxDaaSess,
            TpmCapabilityProperty.DaaSess,
            () => _tpm.TryDaa(TpmOrdinal.DaaJoin, 0, stage: 0, inputData0, inputData1, out _),
            TpmResult.Resources);
        Flush(_tpm.State.DaaSessions.Items[0].Handle, TpmResourceType.DaaTpm);
        Assert.Equal(1u, _tpm.GetProperty(TpmCapabilityProperty.DaaSess));
    }

    [Fact]
    public void Contexts_AsManyAsReported_AreRememberedOutside()
    {
        UseUp(TpmCapabilityProperty.MaxContext, TpmCapabilityProperty.Context, () => Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, out _), TpmResult.NoContextSpace);
        Flush(_tpm.State.StAnyData.ContextList[0], TpmResourceType.Context);
        Assert.Equal(1u, _tpm.GetProperty(TpmCapabilityProperty.Context));
    }

    [Fact]
    public void ContextDistance_AsFarAsReported_CountsGoApart()
    {
        var tpm = new TestTpm(TpmProfile.Xen with { ContextDistance = 100 });
        tpm.TakeOwnership();
        var save = new SaveContextRequest { Handle = tpm.Oiap(TestTpm.KeyAuth).Handle, ResourceType = TpmResourceType.Auth };
        tpm.Send(new SaveContext(), save);
        uint oldest = tpm.State.StAnyData.ContextCount;
        save.Handle = tpm.Oiap(TestTpm.KeyAuth).Handle;
        TpmResult result;
        while ((result = tpm.TrySend(new SaveContext(), save, out SaveContextResponse saved)) == TpmResult.Success)
            save.Handle = tpm.Send(new LoadContext(), new LoadContextRequest { ContextBlob = saved.ContextBlob }).Handle;
        Assert.Equal(TpmResult.ContextGap, result);
        Assert.Equal(tpm.GetProperty(TpmCapabilityProperty.ContextDist), tpm.State.StAnyData.ContextCount - oldest);
    }

    /// <summary>The first count is 1, and the last is 2^32 - 1: so far, and no farther, they can be apart.</summary>
    [Fact]
    public void ContextDistance_OfTheProfile_IsAllThereCanBe()
    {
        uint distance = _tpm.GetProperty(TpmCapabilityProperty.ContextDist);
        Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, out _);
        uint oldest = Assert.Single(_tpm.State.StAnyData.ContextList);
        _tpm.State = _tpm.State with { StAnyData = _tpm.State.StAnyData with { ContextCount = oldest + distance - 1 } };
        Assert.Equal(TpmResult.Success, Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, out _));
        Assert.Equal(distance, _tpm.State.StAnyData.ContextCount - oldest);
        Assert.Equal(TpmResult.TooManyContexts, Save(_tpm.Oiap(TestTpm.KeyAuth).Handle, out _));
    }

    [Fact]
    public void Counters_AsManyAsReported_AreMade()
    {
        UseUp(TpmCapabilityProperty.MaxCounters, TpmCapabilityProperty.Counters, () => _tpm.TryCreateCounter(out _), TpmResult.Resources);
        uint counter = _tpm.State.Permanent.Counters.Counters.Items[0].Handle;
        // TPM_CAP_PROP_MIN_COUNTER: no time need pass between two increments.
        Assert.Equal(0u, _tpm.GetProperty(TpmCapabilityProperty.MinCounter));
        for (int i = 0; i < 3; i++) Assert.Equal(TpmResult.Success, _tpm.IncrementCounter(counter, out _));
        Assert.Equal(counter, _tpm.GetProperty(TpmCapabilityProperty.ActiveCounter));
    }

    /// <summary>At every filling: what is reported fits, by trial and in earnest, and not a byte more.</summary>
    [Fact]
    public void Nv_AsManyBytesAsReported_CanBeDefined()
    {
        uint index = TestTpm.NvIndex;
        uint available;
        for (uint size = 1; (available = _tpm.GetProperty(TpmCapabilityProperty.MaxNvAvailable)) > 0; size = Math.Min(size * 7 + 13, 1500))
        {
            foreach (uint trial in (uint[])[TpmNvIndex.Trial, index])
            {
                Assert.Equal(TpmResult.NoSpace, Define(trial, available + 1));
                Assert.Equal(TpmResult.Success, Define(trial, available));
            }

            Assert.Equal(TpmResult.Success, _tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, size: 0, index)));
            Assert.Equal(available, _tpm.GetProperty(TpmCapabilityProperty.MaxNvAvailable));
            Assert.Equal(TpmResult.Success, Define(index++, Math.Min(size, available)));
        }

        Assert.Equal(TpmResult.NoSpace, Define(index, 1));
        Assert.True(index - TestTpm.NvIndex > 5);

        TpmResult Define(uint nvIndex, uint size) => _tpm.TryDefineNv(TestTpm.NvPublic(TpmNvPermission.OwnerWrite, size, nvIndex));
    }

    [Fact]
    public void FamilyRows_AsManyAsReported_AreMade()
    {
        for (uint rows = _tpm.GetProperty(TpmCapabilityProperty.FamilyRows); rows > 0; rows--)
            Assert.Equal(TpmResult.Success, _tpm.Manage(TpmFamilyOperation.Create, 0, [1], _tpm.AsOwner()));
        Assert.Equal(TpmResult.NoSpace, _tpm.Manage(TpmFamilyOperation.Create, 0, [1], _tpm.AsOwner()));
    }

    [Fact]
    public void DelegateRows_AsManyAsReported_AreLoaded()
    {
        uint family = _tpm.CreateFamily(_tpm.AsOwner());
        _tpm.Manage(TpmFamilyOperation.Enable, family, [1], _tpm.AsOwner());
        byte[] blob = _tpm.CreateOwnerDelegation(TestTpm.Delegation(TpmDelegateOwnerPermission.KeyControlOwner, family));
        uint rows = _tpm.GetProperty(TpmCapabilityProperty.DelegateRow);
        for (uint row = 0; row < rows; row++) Assert.Equal(TpmResult.Success, Load(row));
        Assert.Equal(TpmResult.BadIndex, Load(rows));

        TpmResult Load(uint row) =>
            _tpm.ResultOf(new DelegateLoadOwnerDelegation(), new DelegateLoadOwnerDelegationRequest { Index = row, Blob = blob }, _tpm.AsOwner());
    }

    [Fact]
    public void Sha1Update_AsManyBytesAsSha1StartSays_AreHashed()
    {
        int max = (int)_tpm.Send(new Sha1Start(), default).MaxNumBytes;
        Assert.Equal(TpmResult.ShaError, _tpm.ResultOf(new Sha1Update(), new Sha1UpdateRequest { HashData = new byte[max + 64] }));
        Assert.Equal(TpmResult.Success, _tpm.ResultOf(new Sha1Update(), new Sha1UpdateRequest { HashData = new byte[max] }));
        TpmDigest hash = _tpm.Send(new Sha1Complete(), default).HashValue;
        Assert.Equal(Witness.Sha1(new byte[max]), hash.ReadOnlySpan.ToArray());
    }

    [Fact]
    public void InputBuffer_AsManyBytesAsReported_AreTakenAndAnswered()
    {
        var tpm = new TestTpm();
        int buffer = (int)tpm.GetProperty(TpmCapabilityProperty.InputBuffer);
        Assert.Equal(TpmResult.Success, tpm.TryDefineNvUnowned(TestTpm.NvPublic(TpmNvPermission.OwnerRead | TpmNvPermission.OwnerWrite, (uint)buffer)));
        // Behind the header TPM_NV_WriteValue has twelve bytes before its data, and the answer of TPM_NV_ReadValue four.
        Assert.Equal(TpmResult.Success, tpm.WriteNv(new byte[buffer - 10 - 12]));
        Assert.Equal(TpmResult.BadParamSize, tpm.WriteNv(new byte[buffer - 10 - 12 + 1]));
        Assert.Equal(TpmResult.Success, tpm.ReadNv((uint)buffer - 10 - 4, out _));
        Assert.Equal(TpmResult.Size, tpm.ReadNv((uint)buffer - 10 - 4 + 1, out _));
    }

    /// <summary>
    /// Takes one after the other. The number that is left begins with the greatest number and goes down with each; at zero nothing fits, and before it
    /// everything has.
    /// </summary>
    private void UseUp(TpmCapabilityProperty max, TpmCapabilityProperty left, Func<TpmResult> take, TpmResult refusal)
    {
        uint limit = _tpm.GetProperty(max);
        Assert.InRange(limit, 1u, 1000u);
        for (uint expected = limit; expected > 0; expected--)
        {
            Assert.Equal(expected, _tpm.GetProperty(left));
            Assert.Equal(TpmResult.Success, take());
        }

        Assert.Equal(0u, _tpm.GetProperty(left));
        Assert.Equal(refusal, take());
        Assert.Equal(0u, _tpm.GetProperty(left));
        Assert.Equal(limit, _tpm.GetProperty(max));
    }

    private TpmResult Save(uint session, out SaveContextResponse response) =>
        _tpm.TrySend(new SaveContext(), new SaveContextRequest { Handle = session, ResourceType = TpmResourceType.Auth }, out response);

    private void Flush(uint handle, TpmResourceType type) =>
        _tpm.Send(new FlushSpecific(), new FlushSpecificRequest { Handle = handle, ResourceType = type });
}
