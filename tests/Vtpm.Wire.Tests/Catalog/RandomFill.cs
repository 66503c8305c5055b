using System.Reflection;

namespace Vtpm.Wire.Tests;

/// <summary>Values of any structure with every field random, within what the structure can carry.</summary>
internal static class RandomFill
{
    private const int LongestRun = 40;
    private const int LongestList = 4;

    /// <summary>Fields whose length the specification fixes, which the type alone does not tell.</summary>
    private static readonly Dictionary<(Type, string), int> s_lengths = new()
    {
        [(typeof(TpmContextBlob), nameof(TpmContextBlob.Label))] = 16,
        [(typeof(TpmDaaBlob), nameof(TpmDaaBlob.Label))] = 16,
        [(typeof(TpmDaaIssuer), nameof(TpmDaaIssuer.DaaGenericQ))] = 26,
        [(typeof(TpmDaaContext), nameof(TpmDaaContext.DaaScratch))] = 256,
        [(typeof(TpmDaaJoinData), nameof(TpmDaaJoinData.DaaJoinU0))] = 128,
        [(typeof(TpmDaaJoinData), nameof(TpmDaaJoinData.DaaJoinU1))] = 138,
        [(typeof(VtpmHashKey), nameof(VtpmHashKey.Data))] = VtpmHashKey.MinSize,
        [(typeof(VtpmGetQuoteResponse), nameof(VtpmGetQuoteResponse.Signature))] = 256,
        [(typeof(VtpmGroupNewRequest), nameof(VtpmGroupNewRequest.SaaModulus))] = 256,
        [(typeof(VtpmGroupNewResponse), nameof(VtpmGroupNewResponse.AikModulus))] = 256,
        [(typeof(VtpmGroupNewResponse), nameof(VtpmGroupNewResponse.IdentityBinding))] = 256,
        [(typeof(VtpmGroupRegisterRequest), nameof(VtpmGroupRegisterRequest.Dhkx1))] = 256,
        [(typeof(VtpmGroupRegisterRequest), nameof(VtpmGroupRegisterRequest.Signature))] = 256,
        [(typeof(VtpmGroupRegisterResponse), nameof(VtpmGroupRegisterResponse.Dhkx2))] = 256,
        [(typeof(VtpmGroupRegisterResponse), nameof(VtpmGroupRegisterResponse.RecoverBlob))] = 32,
        [(typeof(VtpmGroupRegisterResponse), nameof(VtpmGroupRegisterResponse.Quote))] = 256,
        [(typeof(VtpmGroupUpdateRequest), nameof(VtpmGroupUpdateRequest.Signature))] = 256,
        [(typeof(VtpmGroupShowResponse), nameof(VtpmGroupShowResponse.SaaModulus))] = 256,
        [(typeof(VtpmGroupQuoteResponse), nameof(VtpmGroupQuoteResponse.Signature))] = 256,
        [(typeof(VtpmGroupRecover1Response), nameof(VtpmGroupRecover1Response.Dhkx1))] = 256,
        [(typeof(VtpmGroupRecover1Response), nameof(VtpmGroupRecover1Response.Quote))] = 256,
        [(typeof(VtpmGroupRecover2Request), nameof(VtpmGroupRecover2Request.Dhkx2))] = 256,
        [(typeof(VtpmGroupRecover2Request), nameof(VtpmGroupRecover2Request.RecoverBlob))] = 32,
        [(typeof(VtpmGroupInfoResponse), nameof(VtpmGroupInfoResponse.SaaModulus))] = 256,
        [(typeof(VtpmGroupInfoResponse), nameof(VtpmGroupInfoResponse.AikModulus))] = 256,
        [(typeof(VtpmManagerEscrowResponse), nameof(VtpmManagerEscrowResponse.Escrow))] = 256,
        [(typeof(VtpmGroupIdentityResponse), nameof(VtpmGroupIdentityResponse.AikModulus))] = 256,
        [(typeof(VtpmGroupIdentityResponse), nameof(VtpmGroupIdentityResponse.IdentityBinding))] = 256,
        [(typeof(VtpmApprovedConfiguration), nameof(VtpmApprovedConfiguration.Signature))] = 256,
    };

    public static object Create(Type type, Random random)
    {
        object value = Activator.CreateInstance(type)!;
        if (Leaves.IsInlineArray(type)) random.NextBytes(Leaves.InlineBytes(value));
        foreach (FieldInfo field in Leaves.FieldsOf(type)) field.SetValue(value, Field(field, random));
        return MadeConsistent(value, random);
    }

    private static object? Field(FieldInfo field, Random random)
    {
        if (field.FieldType != typeof(ReadOnlyMemory<byte>)) return Value(field.FieldType, random);
        return Bytes(random, s_lengths.TryGetValue((field.DeclaringType!, field.Name), out int length) ? length : random.Next(LongestRun));
    }

    private static object? Value(Type type, Random random)
    {
        if (type.IsEnum) return Enum.ToObject(type, random.NextInt64());
        if (type == typeof(bool)) return random.Next(2) == 1;
        if (type == typeof(byte)) return (byte)random.Next();
        if (type == typeof(ushort)) return (ushort)random.Next();
        if (type == typeof(uint)) return (uint)random.NextInt64();
        if (type == typeof(ulong)) return (ulong)random.NextInt64() << 1;
        if (type == typeof(Guid)) return new Guid(Bytes(random, 16).Span);
        if (type == typeof(Guid?)) return random.Next(2) == 1 ? Value(typeof(Guid), random) : null;
        return type.IsArray ? List(type.GetElementType()!, random, random.Next(LongestList)) : Create(type, random);
    }

    private static Array List(Type item, Random random, int count)
    {
        var list = Array.CreateInstance(item, count);
        for (int i = 0; i < list.Length; i++) list.SetValue(Value(item, random), i);
        return list;
    }

    private static ReadOnlyMemory<byte> Bytes(Random random, int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    /// <summary>What ties one field to another, or a field to two values.</summary>
    private static object MadeConsistent(object value, Random random)
    {
        switch (value)
        {
            case TpmKey key:
                key.Ver = random.Next(2) == 1 ? TpmKey.Tag12 : TpmKey.Version11;
                return key;
            case TpmStoredData data:
                data.Ver = random.Next(2) == 1 ? TpmStoredData.Tag12((ushort)random.Next()) : TpmStoredData.Version11;
                return data;
            case TpmNvDataSensitive area:
                area.PubInfo.DataSize = (uint)area.Data.Length;
                return area;
            case VtpmHashKey key:
                key.Data = Bytes(random, random.Next(VtpmHashKey.MinSize, VtpmHashKey.MaxSize + 1));
                return key;
            case VtpmGroupUpdateRequest request:
                request.PcrSelections = (TpmPcrSelection[])List(typeof(TpmPcrSelection), random, request.Config.Platforms.Length);
                return request;
            default:
                return value;
        }
    }
}
