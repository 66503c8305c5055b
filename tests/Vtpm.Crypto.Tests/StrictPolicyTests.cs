using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Vtpm.Engine;

namespace Vtpm.Crypto.Tests;

/// <summary>All tests of this project run under a host policy that would leave no algorithm to them, were it heeded.</summary>
public sealed partial class StrictPolicyTests
{
    /// <summary>Before the test runner, which hashes its tests' names.</summary>
    [ModuleInitializer]
    internal static void RunUnderStrictPolicy()
    {
        // Environment.SetEnvironmentVariable would not reach libcrypto: .NET keeps an environment of its own.
        if (setenv("OPENSSL_CONF", Path.Combine(AppContext.BaseDirectory, "strict-policy.cnf"), 1) != 0)
            throw new InvalidOperationException("setenv failed.");
        OpenSslLibrary.Initialize();
    }

    [Fact]
    public void Initialize_StrictPolicy_LeavesWhatATpmNeeds()
    {
        byte[] data = "abc"u8.ToArray();
        Assert.Equal("A9993E364706816ABA3E25717850C26C9CD0D89D", Convert.ToHexString(SHA1.HashData(data)));
        Assert.Equal("4FD0B215276EF12F2B3E4C8ECAC2811498B656FC", Convert.ToHexString(HMACSHA1.HashData("key"u8, data)));

        using Aes aes = Aes.Create();
        aes.Key = new byte[16];
        Assert.Equal("66E94BD4EF8A2C3B884CFA59CA342B2E", Convert.ToHexString(aes.EncryptEcb(new byte[16], PaddingMode.None)));

        using Secret prime = new OpenSslRsa().Generate(512).Prime;
        Assert.Equal(32, prime.Length);
    }

    [Fact]
    public void Initialize_Again_Succeeds() => OpenSslLibrary.Initialize();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);
}
