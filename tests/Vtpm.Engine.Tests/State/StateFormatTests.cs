using System.Buffers.Binary;
using Vtpm.Engine.Tests.Theories;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.State;

/// <summary>The state file: every state that the scripts of the corpus reach comes back as it was, and nothing else is taken for a state.</summary>
public class StateFormatTests
{
    private static readonly FixedRsa Rsa = new();

    private static IEnumerable<PermanentState> States => Corpus.Entries.Select(entry => entry.State.Permanent).Distinct(ReferenceEqualityComparer.Instance).Cast<PermanentState>();

    [Fact]
    public void WriteRead_EveryStateOfTheCorpus_ComesBackToTheByte()
    {
        int count = 0;
        foreach (PermanentState state in States)
        {
            byte[] bytes = Write(state);
            Assert.Equal(bytes, Write(StateFormat.Read(bytes, Rsa)));
            count++;
        }

        Assert.True(count > 50, $"the corpus has only {count} states");
    }

    /// <summary>The TPM that is restored answers as the one that was saved: the same code and as many bytes, with the volatile state at its side.</summary>
    [Fact]
    public void Restored_EveryCommandOfTheCorpus_AnswersAsBefore()
    {
        foreach (CorpusEntry entry in Corpus.Entries)
        {
            TpmState restored = entry.State with { Permanent = StateFormat.Read(Write(entry.State.Permanent), Rsa) };
            byte[] before = Execute(entry.State, entry), after = Execute(restored, entry);
            Assert.True(TestTpm.ResultOf(before) == TestTpm.ResultOf(after) && before.Length == after.Length, $"{entry}: {TestTpm.ResultOf(before)} became {TestTpm.ResultOf(after)}");
        }
    }

    [Fact]
    public void Read_TruncatedAnywhere_IsRefused()
    {
        byte[] bytes = Write(States.MaxBy(state => Write(state).Length)!);
        for (int length = 0; length < bytes.Length; length++)
            Assert.Throws<StateFormatException>(() => StateFormat.Read(bytes.AsSpan(0, length), Rsa));
    }

    [Fact]
    public void Read_AnyByteChanged_IsAStateOrRefused()
    {
        byte[] bytes = Write(States.MaxBy(state => Write(state).Length)!);
        var random = new Random(1);
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] changed = [.. bytes];
            changed[at] ^= (byte)random.Next(1, 256);
            try
            {
                StateFormat.Read(changed, Rsa);
            }
            catch (StateFormatException)
            {
                // the other right answer; any other exception fails the test
            }
        }
    }

    [Fact]
    public void Read_NewerVersion_SaysWhatToDo()
    {
        byte[] bytes = Write(new TestTpm().State.Permanent);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), StateFormat.Version + 1);
        Assert.Contains("newer program", Assert.Throws<StateFormatException>(() => StateFormat.Read(bytes, Rsa)).Message, StringComparison.Ordinal);
    }

    /// <summary>A state of version 1 as released; see tests/vectors/README.md. A change that breaks it needs a new version and a reader for this one.</summary>
    [Fact]
    public void Read_GoldenStateOfVersion1_IsStillRead()
    {
        byte[] golden = Golden(version: 1);
        PermanentState state = StateFormat.Read(golden, Rsa);
        // Written anew it is of the present version, with nothing in the fields that were added.
        Assert.Empty(state.Data.AuditChanges);
        Assert.Equal(0u, state.Data.AuditMonotonicCounter);
        Assert.Null(state.Data.ManuMaintPub);
        byte[] written = Write(state);
        Assert.Equal(golden.AsSpan(12), written.AsSpan(12, golden.Length - 12));
        Assert.Equal(written, Write(StateFormat.Read(written, Rsa)));
        Assert.NotNull(state.Data.OwnerAuth);
        Assert.NotNull(state.Data.Srk);
        Assert.Single(state.Nv.Areas.ToArray());
        Assert.Equal(1, state.Counters.Counters.Count);
        Assert.NotNull(state.SavedState);
    }

    /// <summary>The same of version 2.</summary>
    [Fact]
    public void Read_GoldenStateOfVersion2_IsStillRead()
    {
        byte[] golden = Golden(version: 2);
        PermanentState state = StateFormat.Read(golden, Rsa);
        Assert.Equal(golden, Write(state));
        Assert.Equal([TpmOrdinal.Extend], state.Data.AuditChanges);
        Assert.NotEqual(0u, state.Data.AuditMonotonicCounter);
        Assert.NotNull(state.Data.ManuMaintPub);
        Assert.NotNull(state.Data.DaaBlobKey);
        Assert.Equal(1, state.Delegation.Families.Length);
        Assert.NotNull(state.Delegation.FindRow(0));
        Assert.NotNull(state.Data.Srk);
    }

    private static byte[] Golden(int version) =>
        Convert.FromHexString(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, $"state-v{version}.hex")).Trim());

    private static byte[] Execute(TpmState state, CorpusEntry entry)
    {
        var tpm = new TestTpm(seed: 7) { State = state, Locality = entry.Locality };
        return tpm.Execute(entry.Request);
    }

    private static byte[] Write(PermanentState state) => StateFormat.Write(state, new ScratchArena()).ToArray();
}
