using System.Buffers.Binary;
using Vtpm.Engine.Commands.Daa;
using Vtpm.TestKit.Daa;
using Vtpm.Wire;

namespace Vtpm.TestKit;

/// <content>TPM_DAA_Join and TPM_DAA_Sign, stage by stage.</content>
public sealed partial class TestTpm
{
    /// <summary>The issuer that all tests join.</summary>
    public static DaaIssuer Issuer { get; } = new();

    /// <summary>One stage, authorized by the owner; an error is an exception.</summary>
    public byte[] Daa(TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1)
    {
        TpmResult result = TryDaa(ordinal, handle, stage, inputData0, inputData1, out byte[] output);
        return result == TpmResult.Success ? output : throw new TpmErrorException(ordinal, result);
    }

    public TpmResult TryDaa(TpmOrdinal ordinal, uint handle, int stage, byte[] inputData0, byte[] inputData1, out byte[] output)
    {
        DaaCommand command = ordinal == TpmOrdinal.DaaJoin ? new DaaJoin() : new DaaSign();
        var request = new DaaRequest { Handle = handle, Stage = (byte)stage, InputData0 = inputData0, InputData1 = inputData1 };
        TpmResult result = TrySend(command, request, out DaaResponse response, Oiap(OwnerAuth));
        output = response.OutputData.ToArray();
        return result;
    }

    /// <summary>What <see cref="Issuer"/> and a host give a Join that goes well; the issuer's chain has one key.</summary>
    public (byte[] InputData0, byte[] InputData1) JoinInput(int stage)
    {
        byte[] n = DaaNumbers.Bytes(Issuer.N), gamma = DaaNumbers.Bytes(Issuer.Gamma);
        return stage switch
        {
            0 => ([0, 0, 0, 1], []),
            1 => (Issuer.KeyModulus(0), []),
            2 => (Issuer.Settings(), Issuer.SignSettings(0, Issuer.Settings())),
            3 => ([0, 0, 0, 7], []),
            4 or 9 => (DaaNumbers.Bytes(Issuer.R0), n),
            5 or 10 => (DaaNumbers.Bytes(Issuer.R1), n),
            6 or 11 => (DaaNumbers.Bytes(Issuer.S), n),
            7 or 12 => (DaaNumbers.Bytes(Issuer.S1), n),
            8 => (EncryptOaep(State.Permanent.Data.EndorsementKey!.Key.ToPubKey(), new byte[20]), []),
            13 => (gamma, DaaNumbers.Bytes(Issuer.Zeta)),
            14 or 15 => (gamma, []),
            16 => (new byte[20], []),
            22 => ([.. Enumerable.Repeat((byte)0xC3, 128)], []),
            23 => ([.. new byte[3], .. Enumerable.Repeat((byte)0x5A, 189)], []),
            _ => ([], []),
        };
    }

    /// <summary>What a host gives a Sign that goes well, with what a Join has given out.</summary>
    public static (byte[] InputData0, byte[] InputData1) SignInput(int stage, DaaBlobs blobs)
    {
        byte[] n = DaaNumbers.Bytes(Issuer.N), gamma = DaaNumbers.Bytes(Issuer.Gamma);
        return stage switch
        {
            0 => (Issuer.Settings(), []),
            1 => (blobs.TpmSpecific, []),
            2 => (DaaNumbers.Bytes(Issuer.R0), n),
            3 => (DaaNumbers.Bytes(Issuer.R1), n),
            4 => (DaaNumbers.Bytes(Issuer.S), n),
            5 => (DaaNumbers.Bytes(Issuer.S1), n),
            6 => (gamma, DaaNumbers.Bytes(Issuer.Zeta)),
            7 or 8 => (gamma, []),
            9 => (new byte[20], []),
            10 => ([1], new byte[20]),
            13 or 14 => (blobs.V0, []),
            15 => (blobs.V1, []),
            _ => ([], []),
        };
    }

    /// <summary>Runs a Join, whose numbers no issuer looks at, up to before a stage.</summary>
    public uint JoinUpTo(int stage)
    {
        uint handle = 0;
        for (int i = 0; i < stage; i++)
        {
            (byte[] inputData0, byte[] inputData1) = JoinInput(i);
            byte[] output = Daa(TpmOrdinal.DaaJoin, handle, i, inputData0, inputData1);
            if (i == 0) handle = BinaryPrimitives.ReadUInt32BigEndian(output);
        }

        return handle;
    }

    /// <summary>A Join to its end.</summary>
    public DaaBlobs Join()
    {
        uint handle = JoinUpTo(22);
        byte[][] blobs = new byte[3][];
        for (int i = 0; i < blobs.Length; i++)
        {
            (byte[] inputData0, byte[] inputData1) = JoinInput(22 + i);
            blobs[i] = Daa(TpmOrdinal.DaaJoin, handle, 22 + i, inputData0, inputData1);
        }

        return new DaaBlobs(blobs[2], blobs[0], blobs[1]);
    }

    /// <summary>Runs a Sign up to before a stage.</summary>
    public uint SignUpTo(int stage, DaaBlobs blobs)
    {
        uint handle = 0;
        for (int i = 0; i < stage; i++)
        {
            (byte[] inputData0, byte[] inputData1) = SignInput(i, blobs);
            byte[] output = Daa(TpmOrdinal.DaaSign, handle, i, inputData0, inputData1);
            if (i == 0) handle = BinaryPrimitives.ReadUInt32BigEndian(output);
        }

        return handle;
    }
}

/// <summary>enc(DAA_tpmSpecific), enc(v0) and enc(v1).</summary>
public sealed record DaaBlobs(byte[] TpmSpecific, byte[] V0, byte[] V1);
