using System.Security.Cryptography;

namespace Vtpm.Differential.Commands;

/// <summary>Authorization data: few, so that they are also right by chance where they should not be.</summary>
public static class Secrets
{
    public static byte[] WellKnown { get; } = new byte[20];

    public static byte[] Owner { get; } = SHA1.HashData("owner"u8);

    public static byte[] Key { get; } = SHA1.HashData("key"u8);

    public static byte[] Data { get; } = SHA1.HashData("data"u8);

    public static byte[] Migration { get; } = SHA1.HashData("migration"u8);

    public static byte[] Nv { get; } = SHA1.HashData("area"u8);

    public static byte[] Counter { get; } = SHA1.HashData("counter"u8);

    public static byte[] Operator { get; } = SHA1.HashData("operator"u8);

    public static byte[] Delegate { get; } = SHA1.HashData("delegate"u8);

    public static byte[] Transport { get; } = SHA1.HashData("transport"u8);

    public static byte[] Other { get; } = SHA1.HashData("other"u8);
}
