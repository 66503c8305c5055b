using System.Buffers.Binary;
using System.Numerics;
using System.Security.Cryptography;
using Vtpm.TestKit;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;
using static Vtpm.TestKit.Daa.DaaNumbers;

namespace Vtpm.Engine.Tests.Commands.Daa;

/// <summary>A session of DAA, with the state before each of its stages: tests go on from any of them.</summary>
internal sealed class DaaRun
{
    private static readonly Lazy<DaaRun> s_join = new(() =>
    {
        var tpm = new TestTpm();
        tpm.TakeOwnership();
        return new DaaRun(tpm, TpmOrdinal.DaaJoin, 25, stage => DaaInput.Join(stage, tpm.EndorsementKey));
    });

    private static readonly Lazy<DaaRun> s_sign = new(() => new DaaRun(Join.At(25), TpmOrdinal.DaaSign, 16, stage => DaaInput.Sign(stage, Blobs)));

    private readonly TpmState[] _before;
    private readonly TpmOrdinal _ordinal;
    private readonly Func<int, (byte[], byte[])> _inputs;

    private DaaRun(TestTpm tpm, TpmOrdinal ordinal, int stages, Func<int, (byte[] InputData0, byte[] InputData1)> inputs)
    {
        (_ordinal, _inputs, _before, Outputs) = (ordinal, inputs, new TpmState[stages + 1], new byte[stages][]);
        for (int stage = 0; stage < stages; stage++)
        {
            _before[stage] = tpm.State;
            (byte[] inputData0, byte[] inputData1) = inputs(stage);
            Outputs[stage] = tpm.Daa(ordinal, Handle, stage, inputData0, inputData1);
            if (stage == 0) Handle = BinaryPrimitives.ReadUInt32BigEndian(Outputs[0]);
        }

        _before[stages] = tpm.State;
    }

    public static DaaRun Join => s_join.Value;

    public static DaaRun Sign => s_sign.Value;

    /// <summary>What <see cref="Join"/> has given out.</summary>
    public static DaaBlobs Blobs => new(Join.Outputs[24], Join.Outputs[22], Join.Outputs[23]);

    public uint Handle { get; }

    public byte[][] Outputs { get; }

    /// <summary>A TPM that waits for a stage.</summary>
    public TestTpm At(int stage) => new(started: false) { State = _before[stage] };

    /// <summary>The session before a stage.</summary>
    public DaaView Before(int stage) => DaaView.Of(_before[stage].DaaSessions.Find(Handle)!);

    /// <summary>The session after a stage.</summary>
    public DaaView After(int stage) => Before(stage + 1);

    public (byte[] InputData0, byte[] InputData1) Input(int stage) => _inputs(stage);

    /// <summary>Runs a stage with its input on some TPM.</summary>
    public TpmResult Try(TestTpm tpm, int stage, uint? handle = null, TpmOrdinal? ordinal = null)
    {
        (byte[] inputData0, byte[] inputData1) = _inputs(stage);
        return tpm.TryDaa(ordinal ?? _ordinal, handle ?? Handle, stage, inputData0, inputData1, out _);
    }
}

/// <summary>What lies in a session, by the layout of Part 2 §22.</summary>
internal sealed record DaaView(TpmDaaIssuer Issuer, TpmDaaTpm TpmSpecific, TpmDaaContext Session, TpmDaaJoinData JoinSession)
{
    public const int TpmSpecificAt = 148;
    public const int SessionAt = TpmSpecificAt + 86;
    public const int JoinSessionAt = SessionAt + 319;

    public static DaaView Of(DaaSession session) => new(
        Read<TpmDaaIssuer>(session.Data.Span[..TpmSpecificAt]),
        Read<TpmDaaTpm>(session.Data.Span[TpmSpecificAt..SessionAt]),
        Read<TpmDaaContext>(session.Data.Span[SessionAt..JoinSessionAt]),
        Read<TpmDaaJoinData>(session.Data.Span[JoinSessionAt..]));

    public BigInteger Scratch => Number(Session.DaaScratch.Span);

    public BigInteger C => Number(Session.DaaDigest.ReadOnlySpan);

    public BigInteger U0 => Number(JoinSession.DaaJoinU0.Span);

    public BigInteger U1 => Number(JoinSession.DaaJoinU1.Span);

    public BigInteger F
    {
        get
        {
            byte[] start = [.. TpmSpecific.DaaRekey.ReadOnlySpan, .. TestTpm.BigEndian(TpmSpecific.DaaCount)];
            return Number([.. SHA1.HashData((byte[])[.. start, 0]), .. SHA1.HashData((byte[])[.. start, 1])]) % Number(Issuer.DaaGenericQ.Span);
        }
    }

    public BigInteger F0 => F % (BigInteger.One << 104);

    public BigInteger F1 => F >> 104;

    /// <summary>MGF1 of a label of two letters and the seed, by BouncyCastle.</summary>
    public BigInteger R(string label, int size) =>
        Number(Witness.Mgf1([.. System.Text.Encoding.ASCII.GetBytes(label), .. Session.DaaContextSeed.ReadOnlySpan], size));

    private static T Read<T>(ReadOnlySpan<byte> bytes)
        where T : struct, IWireStructure<T> =>
        WireFormat.Read(bytes, out T value) == TpmResult.Success ? value : throw new InvalidOperationException($"no {typeof(T).Name}");
}
