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

    public TpmPubKey EndorsementKey => State.Permanent.Data.EndorsementKey!.Key.ToPubKey();

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

    /// <summary>Runs a Join, whose numbers no issuer looks at, up to before a stage.</summary>
    public uint JoinUpTo(int stage)
    {
        uint handle = 0;
        for (int i = 0; i < stage; i++)
        {
            (byte[] inputData0, byte[] inputData1) = DaaInput.Join(i, EndorsementKey);
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
            (byte[] inputData0, byte[] inputData1) = DaaInput.Join(22 + i, EndorsementKey);
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
            (byte[] inputData0, byte[] inputData1) = DaaInput.Sign(i, blobs);
            byte[] output = Daa(TpmOrdinal.DaaSign, handle, i, inputData0, inputData1);
            if (i == 0) handle = BinaryPrimitives.ReadUInt32BigEndian(output);
        }

        return handle;
    }
}