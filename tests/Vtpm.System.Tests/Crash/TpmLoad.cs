using System.Buffers.Binary;
using Vtpm.Client;
using Vtpm.Transports;
using Vtpm.Wire;

namespace Vtpm.SystemTests;

/// <summary>
/// Sends one TPM commands whose effects last, one after the other, and keeps the account: what was acknowledged, and what was sent without an
/// acknowledgement since, which may or may not be there after a crash.
/// </summary>
internal sealed class TpmLoad(Func<TpmClient> connect, Random random) : IDisposable
{
    private const uint FirstArea = 0x00011000;
    private const uint AreaCount = 6;
    private const int CounterCount = 3;

    /// <summary>A number repeated: a state that is torn shows.</summary>
    private static readonly uint[] AreaSizes = [4, 20, 64, 256, 512, 600];

    private readonly TpmSecret _areaSecret = TpmSecret.WellKnown();
    private readonly List<TpmLedger> _unacknowledged = [];
    private TpmClient? _tpm;
    private TpmLedger? _counterSentFor;
    private byte[]? _endorsementKey;
    private uint? _bootCounter;
    private uint _lastNumber;
    private int _lastSecret;

    /// <summary>What was acknowledged.</summary>
    public TpmLedger Ledger { get; private set; } = TpmLedger.Cleared;

    /// <summary>Commands that were acknowledged.</summary>
    public int Acknowledged { get; private set; }

    /// <summary>Set by the first acknowledgement of a run.</summary>
    public ManualResetEventSlim HasAcknowledged { get; } = new();

    /// <summary>Nothing more can be done before the TPM is started anew: it was cleared, and then deactivated by a start.</summary>
    public bool NeedsRestart { get; private set; }

    /// <summary>
    /// Sends commands until the link breaks or <paramref name="stop"/> is set. Answers that ask to try again are no acknowledgement.
    /// </summary>
    public void Run(Func<bool> stop)
    {
        HasAcknowledged.Reset();
        try
        {
            while (!stop() && !NeedsRestart)
            {
                try
                {
                    _tpm ??= connect();
                    Step();
                }
                catch (TpmBusyException)
                {
                    // Refused because it could not be made durable; the TPM goes on as it was.
                }
            }
        }
        catch (TpmTransportException)
        {
            Disconnect();
        }
    }

    /// <summary>Sends commands until so many more are acknowledged; a refusal is the caller's.</summary>
    public void Acknowledge(int count)
    {
        _tpm ??= connect();
        for (int before = Acknowledged; Acknowledged < before + count && !NeedsRestart;) Step();
    }

    /// <summary>The TPM was killed and started: it must have what was acknowledged, or what was sent last without an acknowledgement.</summary>
    public void VerifyRestarted()
    {
        Disconnect();
        NeedsRestart = false;
        _bootCounter = null;
        TpmLedger actual = Read([Ledger, .. _unacknowledged]);
        if (actual != Ledger && !_unacknowledged.Contains(actual) && !IsCounterMade(actual))
            Assert.Fail($"acknowledged: {Ledger}\nsent since:   {string.Join("\n              ", _unacknowledged)}\nfound:        {actual}");
        Ledger = actual;
        Settle();
    }

    /// <summary>The TPM has run on: it must have exactly what was acknowledged.</summary>
    public void VerifyRunning()
    {
        if (!NeedsRestart) Assert.Equal(Ledger, Read([Ledger]));
    }

    public void Disconnect()
    {
        _tpm?.Dispose();
        _tpm = null;
    }

    public void Dispose()
    {
        Disconnect();
        _areaSecret.Dispose();
        HasAcknowledged.Dispose();
    }

    private static TpmSecret Secret(int number) => TpmSecret.Parse($"text:owner {number}");

    private static byte[] Content(uint index, uint number)
    {
        byte[] content = new byte[AreaSizes[index - FirstArea]];
        for (int i = 0; i < content.Length; i += sizeof(uint)) BinaryPrimitives.WriteUInt32BigEndian(content.AsSpan(i), number);
        return content;
    }

    private static TpmNvDataPublic Area(uint index, uint size)
    {
        var anything = new TpmPcrInfoShort { PcrSelection = TpmPcrSelection.Of(), LocalityAtRelease = TpmLocalitySelection.All };
        return new TpmNvDataPublic
        {
            NvIndex = index,
            PcrInfoRead = anything,
            PcrInfoWrite = anything,
            Permission = new TpmNvAttributes { Attributes = TpmNvPermission.OwnerWrite },
            DataSize = size,
        };
    }

    private void Step()
    {
        if (Ledger.Owner is null) TakeOwnership();
        else if (Ledger.Counters.Count < CounterCount) CreateCounter();
        else
        {
            switch (random.Next(100))
            {
                case < 60: Write(FirstArea + (uint)random.Next((int)AreaCount)); break;
                case < 75: Increment(); break;
                case < 90: Release(FirstArea + (uint)random.Next((int)AreaCount)); break;
                case < 99: ChangeOwnerSecret(); break;
                default: ClearOwner(); break;
            }
        }
    }

    /// <summary>Sends a command that makes <paramref name="next"/> of the ledger.</summary>
    private void Send(TpmLedger next, Action<TpmClient> command)
    {
        _unacknowledged.Add(next);
        command(_tpm!);
        Acknowledge(next);
    }

    private void Acknowledge(TpmLedger next)
    {
        Ledger = next;
        // The whole state is saved at a time: what was refused before is not in it.
        Settle();
        Acknowledged++;
        HasAcknowledged.Set();
    }

    private void Settle()
    {
        _unacknowledged.Clear();
        _counterSentFor = null;
    }

    private bool IsCounterMade(TpmLedger actual) =>
        _counterSentFor is { } before && actual.Counters.Any(made => before with { Counters = before.Counters.SetItem(made.Key, made.Value) } == actual);

    private void Write(uint index)
    {
        if (!Ledger.Areas.ContainsKey(index))
        {
            Send(Ledger with { Areas = Ledger.Areas.SetItem(index, uint.MaxValue) }, tpm => Define(tpm, index, AreaSizes[index - FirstArea]));
        }

        uint number = ++_lastNumber;
        using TpmSecret owner = Secret(Ledger.Owner!.Value);
        using TpmSession session = _tpm!.Oiap(owner);
        Send(Ledger with { Areas = Ledger.Areas.SetItem(index, number) }, tpm => tpm.NvWriteValue(index, 0, Content(index, number), session));
    }

    private void Release(uint index)
    {
        if (Ledger.Areas.ContainsKey(index)) Send(Ledger with { Areas = Ledger.Areas.Remove(index) }, tpm => Define(tpm, index, 0));
    }

    private void Define(TpmClient tpm, uint index, uint size)
    {
        using TpmSecret owner = Secret(Ledger.Owner!.Value);
        using TpmSession session = tpm.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, owner);
        tpm.NvDefineSpace(Area(index, size), session, _areaSecret);
    }

    /// <summary>The identifier is the TPM's to choose: a counter that was made without an answer is found when the TPM is read.</summary>
    private void CreateCounter()
    {
        using TpmSecret owner = Secret(Ledger.Owner!.Value);
        using TpmSession session = _tpm!.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, owner);
        _counterSentFor = Ledger;
        (uint id, TpmCounterValue value) = _tpm.CreateCounter(session, _areaSecret, label: 0x6c6f6164);
        Acknowledge(Ledger with { Counters = Ledger.Counters.SetItem(id, value.Counter) });
    }

    /// <summary>One counter is all that may be incremented from one start to the next.</summary>
    private void Increment()
    {
        uint id = _bootCounter ??= Ledger.Counters.Keys.ElementAt(random.Next(Ledger.Counters.Count));
        using TpmSession session = _tpm!.Oiap(_areaSecret);
        Send(Ledger with { Counters = Ledger.Counters.SetItem(id, Ledger.Counters[id] + 1) }, tpm => tpm.IncrementCounter(id, session));
    }

    private void ChangeOwnerSecret()
    {
        int number = ++_lastSecret;
        using TpmSecret old = Secret(Ledger.Owner!.Value), next = Secret(number);
        using TpmSession session = _tpm!.Osap(TpmEntityType.Owner, TpmKeyHandle.Owner, old);
        Send(Ledger with { Owner = number }, tpm => tpm.ChangeAuthOwner(session, next, TpmEntityType.Owner));
    }

    private void ClearOwner()
    {
        using TpmSecret owner = Secret(Ledger.Owner!.Value);
        using TpmSession session = _tpm!.Oiap(owner);
        Send(TpmLedger.Cleared, tpm => tpm.OwnerClear(session));
        _bootCounter = null;
    }

    private void TakeOwnership()
    {
        try
        {
            _tpm!.PhysicalPresence(TpmPhysicalPresence.CmdEnable);
            _tpm.PhysicalPresence(TpmPhysicalPresence.Present);
            _tpm.PhysicalEnable();
            _tpm.PhysicalSetDeactivated(false);
            TpmPubKey endorsementKey = EnsureEndorsementKey();
            int number = ++_lastSecret;
            using TpmSecret owner = Secret(number);
            Send(TpmLedger.Cleared with { Owner = number }, tpm => tpm.TakeOwnership(endorsementKey, owner, _areaSecret, TpmKeys.StorageRootKey));
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.Deactivated)
        {
            NeedsRestart = true;
        }
    }

    private TpmPubKey EnsureEndorsementKey()
    {
        try
        {
            return _tpm!.ReadPubek();
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.NoEndorsement && _endorsementKey is null)
        {
            return _tpm!.CreateEndorsementKeyPair(TpmKeys.EndorsementKey);
        }
    }

    /// <summary>What the TPM has. Its owner's secret cannot be read, only tried.</summary>
    private TpmLedger Read(IEnumerable<TpmLedger> candidates)
    {
        _tpm ??= connect();
        int? owner = FindOwner([.. candidates.Select(candidate => candidate.Owner).Distinct()]);
        var actual = new TpmLedger { Owner = owner };
        for (uint index = FirstArea; index < FirstArea + AreaCount; index++)
        {
            if (ReadArea(index) is { } number) actual = actual with { Areas = actual.Areas.SetItem(index, number) };
        }

        if (owner is null) return actual;
        foreach (uint id in _tpm.GetHandles(TpmResourceType.Counter))
            actual = actual with { Counters = actual.Counters.SetItem(id, _tpm.ReadCounter(id).Counter) };
        return actual;
    }

    private uint? ReadArea(uint index)
    {
        try
        {
            uint size = AreaSizes[index - FirstArea];
            byte[] content = _tpm!.NvReadValue(index, 0, size);
            uint number = BinaryPrimitives.ReadUInt32BigEndian(content);
            Assert.Equal(Content(index, number), content);
            return number;
        }
        catch (TpmCommandException exception) when (exception.Result == TpmResult.BadIndex)
        {
            return null;
        }
    }

    private int? FindOwner(int?[] candidates)
    {
        foreach (int? candidate in candidates)
        {
            try
            {
                CheckEndorsementKey(candidate is { } number ? ReadAsOwner(number) : _tpm!.ReadPubek());
                return candidate;
            }
            catch (TpmCommandException exception) when (exception.Result is TpmResult.AuthFail or TpmResult.DisabledCmd or TpmResult.NoSrk)
            {
                // Not this one.
            }
            catch (TpmCommandException exception) when (exception.Result is TpmResult.Disabled or TpmResult.Deactivated or TpmResult.NoEndorsement)
            {
                // Only a TPM that was cleared, or is new, is so.
                return null;
            }
        }

        Assert.Fail($"the owner is none of {string.Join(", ", candidates)}");
        return null;
    }

    private TpmPubKey ReadAsOwner(int number)
    {
        using TpmSecret owner = Secret(number);
        using TpmSession session = _tpm!.Oiap(owner);
        return _tpm.OwnerReadInternalPub(TpmKeyHandle.EK, session);
    }

    /// <summary>It says which TPM this is, once there is one.</summary>
    private void CheckEndorsementKey(TpmPubKey key)
    {
        byte[] bytes = WireFormat.ToBytes(key);
        _endorsementKey ??= bytes;
        Assert.Equal(_endorsementKey, bytes);
    }
}
