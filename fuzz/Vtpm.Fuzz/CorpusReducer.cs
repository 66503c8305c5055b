namespace Vtpm.Fuzz;

/// <summary>Keeps of a corpus what takes a branch, or takes it another order of times, that no smaller input does.</summary>
internal static class CorpusReducer
{
    public static int Reduce(IFuzzTarget target, string from, string to)
    {
        foreach ((_, byte[] seed) in target.Seeds().Take(8)) target.Run(seed);
        Directory.CreateDirectory(to);
        var seen = new HashSet<int>();
        var branches = new HashSet<int>();
        int kept = 0, all = 0;
        IEnumerable<FileInfo> files = new DirectoryInfo(from).EnumerateFiles();
        foreach (FileInfo file in files.OrderBy(file => file.Length).ThenBy(file => file.Name, StringComparer.Ordinal))
        {
            all++;
            byte[] input = File.ReadAllBytes(file.FullName);
            BranchMap.Clear();
            target.Run(input);
            ReadOnlySpan<byte> map = BranchMap.Taken;
            bool isNew = false;
            for (int i = 0; i < map.Length; i++)
            {
                if (map[i] == 0) continue;
                branches.Add(i);
                isNew |= seen.Add(i << 3 | Order(map[i]));
            }

            if (!isNew) continue;
            kept++;
            File.WriteAllBytes(Path.Combine(to, file.Name), input);
        }

        Console.WriteLine($"{target.Name}: {kept} of {all} inputs take all of the {branches.Count} branches");
        return branches.Count > 0 ? 0 : 1;
    }

    /// <summary>1, 2, 3, 4 to 7, 8 to 15, 16 to 31, 32 to 127, and more, as afl-fuzz counts.</summary>
    private static int Order(byte times) => times switch { 1 => 0, 2 => 1, 3 => 2, < 8 => 3, < 16 => 4, < 32 => 5, < 128 => 6, _ => 7 };
}
