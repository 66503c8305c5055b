using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>What is true of every command, tried on variants of commands that succeed.</summary>
public class CorpusTests
{
    private readonly TheoryRunner _runner = new();

    [Fact]
    public void Corpus_EveryCommandOfTheTable_IsThereWithAllItsSessionCounts()
    {
        ILookup<TpmOrdinal, int> recorded = Corpus.Entries.ToLookup(entry => entry.Ordinal, entry => entry.Sessions);
        IEnumerable<string> missing = _runner.Commands.Commands
            .Where(command => !recorded[command.Traits.Ordinal].Contains(command.Traits.MaxSessions))
            .Select(command => $"{command.Traits.Ordinal} with {command.Traits.MaxSessions} sessions");
        Assert.Empty(missing);
    }

    [Fact]
    public void Corpus_EveryEntry_Succeeds() =>
        Assert.All(Corpus.Entries, entry => Assert.Equal(TpmResult.Success, _runner.Run(entry.State, entry.Locality, entry.Request)));

    [Fact]
    public void Command_TruncatedAnywhere_FailsWithoutATrace()
    {
        foreach (CorpusEntry entry in Corpus.Entries)
        {
            for (int length = 0; length < entry.Request.Length; length++)
            {
                ReadOnlySpan<byte> truncated = entry.Request[..length];
                AssertFails(entry, truncated);
                AssertFails(entry, CorpusEntry.Sized(truncated));
                AssertFails(entry, entry.Authorized(truncated, _runner.Commands));
            }
        }
    }

    [Fact]
    public void Command_BytesLeftOver_FailsWithoutATrace()
    {
        foreach (CorpusEntry entry in Corpus.Entries)
        {
            AssertFails(entry, (byte[])[.. entry.Request, 0]);
            AssertFails(entry, CorpusEntry.Sized((byte[])[.. entry.Request, 0]));
            AssertFails(entry, CorpusEntry.Sized((byte[])[.. entry.Request[..entry.AuthsAt], 0, .. entry.Request[entry.AuthsAt..]]));
        }
    }

    [Fact]
    public void Command_GarbageBehindTheHeader_FailsWithoutATraceOrIsAnswered()
    {
        var random = new Random(1);
        TpmState state = Corpus.Entries[^1].State;
        foreach (TpmCommand command in _runner.Commands.Commands)
        {
            for (int sessions = 0; sessions <= 2; sessions++)
            {
                for (int length = 0; length < 400; length += 1 + random.Next(40))
                {
                    byte[] request = new byte[CorpusEntry.HeaderSize + length];
                    random.NextBytes(request);
                    (request[0], request[1]) = (0, (byte)(0xC1 + sessions));
                    System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), (uint)command.Traits.Ordinal);
                    TpmResult result = _runner.Run(state, random.Next(6), CorpusEntry.Sized(request));
                    Assert.False(result == TpmResult.Success && sessions > 0, $"{command.Traits.Ordinal} took garbage for an authorization");
                }
            }
        }
    }

    /// <summary>Fail closed: with any bit of any HMAC wrong, or any of the nonces and flags that it covers.</summary>
    [Fact]
    public void Command_AnyByteOfAnAuthorizationChanged_NeverSucceeds()
    {
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => entry.Sessions > 0))
        {
            for (int i = entry.AuthsAt; i < entry.Request.Length; i++) AssertFails(entry, Flipped(entry, i));
        }
    }

    /// <summary>Every parameter behind the handles is in the HMACs.</summary>
    [Fact]
    public void Command_AnyParameterChangedUnderAnAuthorization_NeverSucceeds()
    {
        foreach (CorpusEntry entry in Corpus.OneOfEach.Where(entry => entry.Sessions > 0))
        {
            int start = CorpusEntry.HeaderSize + 4 * OrdinalTable.All[entry.Ordinal].InHandles;
            for (int i = start; i < entry.AuthsAt; i++) AssertFails(entry, Flipped(entry, i));
        }
    }

    [Fact]
    public void Command_HmacsOfAnotherSecret_NeverSucceeds()
    {
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => entry.Sessions > 0))
        {
            for (int wrong = 0; wrong < entry.Sessions; wrong++) AssertFails(entry, entry.WithWrongKey(wrong, _runner.Commands));
        }
    }

    /// <summary>Replay: the nonce has rolled, or the session is gone.</summary>
    [Fact]
    public void Command_SentAgain_NeverSucceeds()
    {
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => entry.Sessions > 0))
            AssertFails(_runner.After(entry), entry, entry.Request);
    }

    /// <summary>Without its sessions a command works only where nobody needs to be authorized: the NV areas before nvLocked, and what asks for nothing.</summary>
    [Fact]
    public void Command_WithoutItsAuthorizations_NeverSucceeds()
    {
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => entry.Sessions > 0))
        {
            byte[] bare = CorpusEntry.Sized(entry.Request[..entry.AuthsAt]);
            bare[1] = 0xC1;
            AssertFails(entry, bare);
        }
    }

    [Fact]
    public void Command_ThatOnlyReads_ChangesNothingButItsSessions()
    {
        HashSet<TpmOrdinal> readers =
        [
            TpmOrdinal.PcrRead, TpmOrdinal.GetCapability, TpmOrdinal.GetCapabilityOwner, TpmOrdinal.GetRandom, TpmOrdinal.GetTicks, TpmOrdinal.GetPubKey,
            TpmOrdinal.Unseal, TpmOrdinal.UnBind, TpmOrdinal.Seal, TpmOrdinal.Sealx, TpmOrdinal.Sign, TpmOrdinal.CertifyKey, TpmOrdinal.CertifyKey2,
            TpmOrdinal.Quote, TpmOrdinal.Quote2, TpmOrdinal.TickStampBlob, TpmOrdinal.DirRead, TpmOrdinal.ReadCounter, TpmOrdinal.CreateWrapKey,
            TpmOrdinal.MakeIdentity, TpmOrdinal.ActivateIdentity, TpmOrdinal.DelegateReadTable, TpmOrdinal.DelegateVerifyDelegation,
            TpmOrdinal.DelegateCreateKeyDelegation,
            TpmOrdinal.CreateMigrationBlob, TpmOrdinal.ConvertMigrationBlob, TpmOrdinal.AuthorizeMigrationKey, TpmOrdinal.MigrateKey,
            TpmOrdinal.CmkApproveMA, TpmOrdinal.CmkCreateKey, TpmOrdinal.CmkCreateTicket, TpmOrdinal.CmkCreateBlob, TpmOrdinal.CmkConvertMigration,
            TpmOrdinal.DeepQuote, TpmOrdinal.ParentSignEK,
        ];
        foreach (CorpusEntry entry in Corpus.Entries.Where(entry => readers.Contains(entry.Ordinal)))
            Assert.True(entry.State == WithoutAudit(_runner.After(entry), entry.State) with { Sessions = entry.State.Sessions }, $"{entry} changed the state");
    }

    /// <summary>The state, but for what auditing has changed of it.</summary>
    private static TpmState WithoutAudit(TpmState after, TpmState before)
    {
        uint counter = before.Permanent.Data.AuditMonotonicCounter;
        PermanentState permanent = after.Permanent.Data.AuditMonotonicCounter == counter
            ? after.Permanent
            : after.Permanent with { Data = after.Permanent.Data with { AuditMonotonicCounter = counter } };
        return after with { Permanent = permanent, StAnyData = after.StAnyData with { AuditDigest = before.StAnyData.AuditDigest } };
    }

    private static byte[] Flipped(CorpusEntry entry, int at)
    {
        byte[] request = entry.Request.ToArray();
        request[at] ^= 0x01;
        return request;
    }

    private void AssertFails(CorpusEntry entry, ReadOnlySpan<byte> request) => AssertFails(entry.State, entry, request);

    private void AssertFails(TpmState state, CorpusEntry entry, ReadOnlySpan<byte> request)
    {
        if (_runner.Run(state, entry.Locality, request) == TpmResult.Success) Assert.Fail($"{entry} succeeded as {Convert.ToHexStringLower(request)}");
    }
}
