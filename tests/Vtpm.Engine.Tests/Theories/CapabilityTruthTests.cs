using System.Buffers.Binary;
using Vtpm.Engine.Commands.AuthorizationSessions;
using Vtpm.Engine.Commands.Storage;
using Vtpm.Engine.Commands.TransportSessions;
using Vtpm.TestKit;
using Vtpm.Wire;
using Xunit;

namespace Vtpm.Engine.Tests.Theories;

/// <summary>Where TPM_GetCapability is asked with yes or no, the TPM is asked to do it (Part 2 §21.1).</summary>
public class CapabilityTruthTests
{
    private readonly TestTpm _tpm = new();

    public CapabilityTruthTests() => _tpm.TakeOwnership();

    /// <summary>Every ordinal of the specification, of Xen, and those around them; on a vTPM, and on a TPM that is none.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ord_EveryOrdinal_IsSupportedOrBadOrdinal(bool hasParent)
    {
        var tpm = new TestTpm(hasParent: hasParent);
        IEnumerable<uint> near = Enum.GetValues<TpmOrdinal>().Select(ordinal => (uint)ordinal);
        foreach (uint ordinal in near.SelectMany(ordinal => (uint[])[ordinal - 1, ordinal, ordinal + 1, ordinal | 0x80000000, ordinal & 0xFF]).Distinct())
        {
            byte[] request = [0, 0xC1, 0, 0, 0, 10, 0, 0, 0, 0];
            BinaryPrimitives.WriteUInt32BigEndian(request.AsSpan(6), ordinal);
            TpmState before = tpm.State;
            bool exists = TestTpm.ResultOf(tpm.Execute(request)) != TpmResult.BadOrdinal;
            tpm.State = before;
            Assert.Equal(exists, Says(tpm, TpmCapability.Ord, ordinal));
        }
    }

    /// <summary>RSA is the one algorithm of keys; of the others those that sessions, blobs and signatures are made with.</summary>
    [Fact]
    public void Alg_EveryAlgorithm_IsThereOrNot()
    {
        foreach (uint algorithm in Candidates)
        {
            bool isKey = Says(_tpm, TpmCapability.Alg, algorithm) && (TpmAlgorithmId)algorithm == TpmAlgorithmId.Rsa;
            TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing);
            info.AlgorithmParms.AlgorithmId = (TpmAlgorithmId)algorithm;
            TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
            var create = new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = info };
            Assert.Equal(isKey, _tpm.ResultOf(new CreateWrapKey(), create, osap) == TpmResult.Success);
        }

        Assert.Equal("1 4 5 6 7 10", string.Join(' ', Candidates.Where(algorithm => Says(_tpm, TpmCapability.Alg, algorithm))));
    }

    /// <summary>OIAP, OSAP, ADIP, ADCP, OWNER, DSAP, TRANSPORT: each is what some command of this TPM speaks.</summary>
    [Fact]
    public void Pid_EveryProtocol_IsSpokenOrNot()
    {
        var commands = new Dictionary<uint, TpmOrdinal>
        {
            [1] = TpmOrdinal.Oiap,
            [2] = TpmOrdinal.Osap,
            [3] = TpmOrdinal.CreateWrapKey,
            [4] = TpmOrdinal.ChangeAuth,
            [5] = TpmOrdinal.TakeOwnership,
            [6] = TpmOrdinal.Dsap,
            [7] = TpmOrdinal.EstablishTransport,
        };
        foreach (uint protocol in Candidates)
        {
            bool isSpoken = commands.TryGetValue(protocol, out TpmOrdinal ordinal) && Says(_tpm, TpmCapability.Ord, (uint)ordinal);
            Assert.Equal(isSpoken, Says(_tpm, TpmCapability.Pid, protocol));
        }
    }

    /// <summary>No command of this TPM encrypts with a symmetric mode of the caller's choice.</summary>
    [Fact]
    public void SymMode_EveryMode_IsNot() => Assert.DoesNotContain(Candidates, mode => Says(_tpm, TpmCapability.SymMode, mode));

    /// <summary>What TPM_OSAP takes for secrets on their way in, from the low byte of its entity type on.</summary>
    [Fact]
    public void AuthEncrypt_EveryAlgorithm_IsTakenByOsapOrNot()
    {
        var schemes = new Dictionary<uint, TpmAdipEncScheme> { [0x0A] = TpmAdipEncScheme.Xor, [0x06] = TpmAdipEncScheme.Aes128Ctr };
        foreach (uint algorithm in Candidates)
            Assert.Equal(schemes.ContainsKey(algorithm), Says(_tpm, TpmCapability.AuthEncrypt, algorithm));
        for (int scheme = 0; scheme <= byte.MaxValue; scheme++)
        {
            var osap = new OsapRequest { EncScheme = (TpmAdipEncScheme)scheme, EntityType = TpmEntityType.Owner, EntityValue = TpmKeyHandle.Owner };
            bool isTaken = _tpm.ResultOf(new Osap(), osap) == TpmResult.Success;
            Assert.Equal(schemes.ContainsValue((TpmAdipEncScheme)scheme), isTaken);
        }
    }

    /// <summary>An algorithm or scheme is supported when there is a transport session that has it.</summary>
    [Fact]
    public void TransAlgAndTransES_EveryOne_IsThatOfASomeSessionOrOfNone()
    {
        uint[] algorithms = [.. Candidates];
        uint[] schemes = [.. Candidates];
        ILookup<uint, uint> sessions = algorithms.SelectMany(algorithm => schemes.Select(scheme => (algorithm, scheme)))
            .Where(session => IsEstablished((TpmAlgorithmId)session.algorithm, (TpmEncScheme)session.scheme))
            .ToLookup(session => session.algorithm, session => session.scheme);
        foreach (uint algorithm in algorithms) Assert.Equal(sessions.Contains(algorithm), Says(_tpm, TpmCapability.TransAlg, algorithm));
        // MGF1 has no scheme: what is written there is not looked at.
        HashSet<uint> ofCiphers = [.. sessions.Where(session => session.Key != (uint)TpmAlgorithmId.Mgf1).SelectMany(session => session)];
        foreach (uint scheme in schemes) Assert.Equal(ofCiphers.Contains(scheme), Says(_tpm, TpmCapability.TransES, scheme));
    }

    /// <summary>TPM_PCR_INFO is of version 1.1, TPM_PCR_INFO_LONG of 1.2: a selection is of a size that is supported, or is refused.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void SelectSize_EverySize_IsTakenInPcrInformationOrNot(byte minor)
    {
        foreach (int size in (int[])[0, 1, 2, 3, 4, 5, 32, 255, 0xFFF])
        {
            byte[] selection = [(byte)(size >> 8), (byte)size, .. new byte[size]];
            byte[] info = minor == 1 ? [.. selection, .. new byte[40]] : [0, 6, 1, 1, .. selection, .. selection, .. new byte[40]];
            TpmKey key = TestTpm.KeyInfo(TpmKeyUsage.Signing, ver: minor == 1 ? TpmKey.Version11 : TpmKey.Tag12) with { PcrInfo = info };
            TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
            // A command has no room for two selections of the longest size.
            bool isTaken = size < 0xFFF && _tpm.ResultOf(new CreateWrapKey(), new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = key }, osap) == TpmResult.Success;
            Assert.Equal(isTaken, _tpm.GetCapability(TpmCapability.SelectSize, 1, minor, (byte)(size >> 8), (byte)size) is [1]);
        }
    }

    [Theory]
    [InlineData(496)]
    [InlineData(504)]
    [InlineData(512)]
    [InlineData(1024)]
    [InlineData(2048)]
    [InlineData(2056)]
    [InlineData(2064)]
    [InlineData(4096)]
    public void CheckLoaded_KeyOfALength_IsMadeAndLoadedOrNot(int keyLength)
    {
        TpmKey info = TestTpm.KeyInfo(TpmKeyUsage.Signing, keyLength: keyLength);
        TestAuth osap = _tpm.Osap(TpmEntityType.Srk, TpmKeyHandle.Srk, TestTpm.WellKnown);
        var create = new CreateWrapKeyRequest { ParentHandle = TpmKeyHandle.Srk, KeyInfo = info };
        bool isLoaded = _tpm.TrySend(new CreateWrapKey(), create, out CreateWrapKeyResponse made, osap) == TpmResult.Success && _tpm.LoadKey2(made.WrappedKey) != 0;
        Assert.Equal(isLoaded, _tpm.GetCapability(TpmCapability.CheckLoaded, WireFormat.ToBytes(info.AlgorithmParms)) is [1]);
    }

    /// <summary>Numbers that mean something to one capability or another, and numbers around them.</summary>
    private static IEnumerable<uint> Candidates => [.. Enumerable.Range(0, 20).Select(i => (uint)i), 0xFF, 0x100, 0x104, 0xFFFF];

    private bool IsEstablished(TpmAlgorithmId algorithm, TpmEncScheme scheme)
    {
        TpmTransportPublic transPublic = TestTpm.Transport(TpmTransportAttributes.Encrypt, algorithm, scheme);
        EstablishTransportRequest request = _tpm.TransportRequest(transPublic, TpmKeyHandle.Srk);
        TpmState before = _tpm.State;
        TpmResult result = _tpm.ResultOf(new EstablishTransport(), request, _tpm.Oiap(TestTpm.WellKnown));
        _tpm.State = before;
        return result == TpmResult.Success;
    }

    private static bool Says(TestTpm tpm, TpmCapability area, uint subCap) => tpm.GetCapability(area, subCap) is [1];
}
