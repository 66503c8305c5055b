using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.State;

/// <summary>What lasts until the platform is reset: every boot that the scripts of the corpus reach comes back as it was, and nothing else is taken for one.</summary>
public class BootFormatTests
{
    [Fact]
    public void WriteRestore_EveryStateOfTheCorpus_ComesBackToTheByte()
    {
        var seen = new HashSet<string>();
        foreach (CorpusEntry entry in Corpus.Entries)
        {
            byte[] bytes = Write(entry.State);
            TpmState fresh = entry.State with { Pcrs = PcrBank.Initial, StClearData = new StClearData(), StClearFlags = default, StAnyFlags = new StAnyFlags { PostInitialise = false } };
            TpmState restored = BootFormat.Restore(fresh, bytes);
            Assert.Equal(bytes, Write(restored));
            Assert.Equal(entry.State.StClearFlags, restored.StClearFlags);
            Assert.Equal(entry.State.StAnyFlags.TosPresent, restored.StAnyFlags.TosPresent);
            for (int pcr = 0; pcr < PcrBank.Count; pcr++) Assert.Equal(entry.State.Pcrs[pcr], restored.Pcrs[pcr]);
            seen.Add(Convert.ToHexString(bytes));
        }

        Assert.True(seen.Count > 5, $"the corpus has only {seen.Count} boots");
    }

    /// <summary>As many areas as the memory holds, all of them locked both ways; and locks of areas that are no more.</summary>
    [Fact]
    public void Write_EveryAreaLocked_FitsTheRecord()
    {
        var tpm = new TestTpm();
        uint[] indexes = [.. Enumerable.Range(1, TpmProfile.Xen.NvSize / NvStorage.AreaOverhead).Select(index => (uint)index)];
        TpmState state = tpm.State with
        {
            Permanent = tpm.State.Permanent with { Nv = NvStorage.Of(indexes.Select(index => Area(index))) },
            StClearData = new StClearData { NvReadLocks = indexes.Append(0x1000_0000u).ToHashSet(), NvWriteLocks = indexes.Append(0x1000_0000u).ToHashSet() },
        };

        byte[] bytes = Write(state);

        Assert.InRange(bytes.Length, 1000, BootFormat.MaxSize);
        Assert.Equal(indexes, BootFormat.Restore(state, bytes).StClearData.NvReadLocks.Order());
    }

    [Fact]
    public void Restore_BytesThatAreNoBoot_IsRefused()
    {
        TpmState state = new TestTpm().State;
        byte[] bytes = Write(state);
        for (int length = 0; length < bytes.Length; length++) Assert.Throws<StateFormatException>(() => BootFormat.Restore(state, bytes.AsSpan(0, length)));
        Assert.Throws<StateFormatException>(() => BootFormat.Restore(state, [.. bytes, 0]));
        bytes[11]++;
        Assert.Throws<StateFormatException>(() => BootFormat.Restore(state, bytes));
    }

    [Fact]
    public void IsSame_TellsWhatTheRecordHas()
    {
        TpmState state = new TestTpm().State;
        Assert.True(BootFormat.IsSame(state, state with { Sessions = HandleTable<AuthSession>.Empty, Permanent = state.Permanent with { } }));
        Assert.False(BootFormat.IsSame(state, state with { Pcrs = state.Pcrs.Extend(4, default) }));
        Assert.False(BootFormat.IsSame(state, state with { StClearData = state.StClearData.LockReads(7) }));
        Assert.False(BootFormat.IsSame(state, state with { StClearFlags = state.StClearFlags with { PhysicalPresence = !state.StClearFlags.PhysicalPresence } }));
        Assert.False(BootFormat.IsSame(state, state with { StAnyFlags = state.StAnyFlags with { TosPresent = !state.StAnyFlags.TosPresent } }));
    }

    [Fact]
    public void WithoutRecord_ChangesExactlyWhatOnlyAResetMakesZero()
    {
        TpmState started = new TestTpm().State;
        PcrBank after = BootFormat.WithoutRecord(started).Pcrs;
        for (int pcr = 0; pcr < PcrBank.Count; pcr++) Assert.Equal(PcrBank.IsResettable(pcr), after[pcr] == started.Pcrs[pcr]);
    }

    private static NvArea Area(uint index) =>
        new() { Index = index, PcrInfoRead = default, PcrInfoWrite = default, Permission = default, Auth = new Secret(new byte[20]), Data = default };

    private static byte[] Write(TpmState state)
    {
        byte[] buffer = new byte[BootFormat.MaxSize];
        return buffer[..BootFormat.Write(state, buffer)];
    }
}
